"""Our try-on against runs of the published code on the same tiny networks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from model.engines.catvton.engine import CatVTON
from model.engines.catvton.networks import CatVTONNetworks
from model.tryon.pictures import without_masked
from tests.model.catvton.replay import GREY_LEVELS, LATENT_TOLERANCE, Case, distance, grey_levels, replay
from tests.model.conftest import DATA, GOLDEN, GOLDEN_MASKFREE

ONE = Case(DATA / "cases/w96h128_s4_g2.5_eta1.0", DATA / "inputs")
ALL = [Case(folder, GOLDEN / "inputs") for folder in sorted(GOLDEN.glob("cases/*"))]
MASKFREE = [Case(folder, GOLDEN_MASKFREE / "inputs") for folder in sorted(GOLDEN_MASKFREE.glob("cases/*"))]


def check(networks: CatVTONNetworks, runner: asyncio.Runner, case: Case) -> None:
    outcome, arrays = runner.run(replay(networks, case)), case.arrays
    assert distance(outcome.latents, arrays["latents_per_step"]) < LATENT_TOLERANCE
    for i, picture in enumerate(outcome.pictures):
        assert grey_levels(picture, case.result(i)) <= GREY_LEVELS
    for generator, numbers in outcome.next_numbers.items():
        assert numbers == arrays[generator].tolist()


def test_a_run_agrees_with_the_published_code_step_by_step(tryon: CatVTON, runner: asyncio.Runner) -> None:
    check(tryon.networks["mask"], runner, ONE)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.folder.name)
def test_every_recorded_run_agrees(tryon: CatVTON, runner: asyncio.Runner, case: Case) -> None:
    check(tryon.networks["mask"], runner, case)


@pytest.mark.parametrize("case", MASKFREE, ids=lambda case: case.folder.name)
def test_every_recorded_run_without_a_mask_agrees(both: CatVTON, runner: asyncio.Runner, case: Case) -> None:
    check(both.networks["maskfree"], runner, case)


def test_the_maskfree_unet_sees_what_the_published_one_sees(both: CatVTON, runner: asyncio.Runner) -> None:
    (case,) = (case for case in MASKFREE if case.folder.name == "mf_w96h128_s4_g2.5")
    condition, prepared = runner.run(replay(both.networks["maskfree"], case)).condition, case.prepared()
    assert distance(condition, case.arrays["unet_in_step0"][:, 4:]) < LATENT_TOLERANCE
    assert (prepared.person.numpy() == case.arrays["person_image"]).all()
    assert (prepared.garment.numpy() == case.arrays["condition_image"]).all()


def test_the_unet_sees_what_the_published_one_sees(tryon: CatVTON, runner: asyncio.Runner) -> None:
    condition = runner.run(replay(tryon.networks["mask"], ONE)).condition
    assert distance(condition, ONE.arrays["unet_in_step0"][:, 4:]) < LATENT_TOLERANCE


def test_prepared_tensors_are_the_published_ones_to_the_bit(golden: Path) -> None:
    for name in ("w96h128_s4_g2.5_eta1.0", "w128h192_s4_g2.5_eta1.0", "soft_mask_rgba_person"):
        case = Case(golden / "cases" / name, golden / "inputs")
        prepared, arrays = case.prepared(), case.arrays
        assert prepared.mask is not None
        assert (without_masked(prepared.person, prepared.mask).numpy() == arrays["masked_image"]).all()
        assert (prepared.garment.numpy() == arrays["condition_image"]).all()
