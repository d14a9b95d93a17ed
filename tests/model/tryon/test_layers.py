"""Outfits: garment after garment, each on the result of the one before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter
from pydantic import ValidationError

from model.engines.catvton.engine import CatVTON
from model.engines.catvton.request import Request
from model.errors import InputError
from model.tryon.request import Layer
from tests.model.catvton.test_tryon import GARMENT, Studio
from tests.model.tryon.drawing import array, noise, opened, saved
from tests.model.tryon.labelled import FACE, WALL, draw_labelled, where

LAYERS = [Layer(garment="a", category="upper"), Layer(garment="b", category="lower")]
OUTFIT: dict[str, Any] = {"garment": None, "mask": None, "layers": LAYERS}


@pytest.fixture
def studio(masking: CatVTON, runner: asyncio.Runner, tmp_path: Path) -> Studio:
    return Studio(masking, runner, tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    other = saved(noise(60, 80), tmp_path / "other.png")
    person = saved(draw_labelled((192, 256)), tmp_path / "person.png")
    return {"person": person, "layers.0.garment": GARMENT, "layers.1.garment": other}


def alone(files: dict[str, Path], person: Path, layer: int) -> dict[str, Path]:
    return {"person": person, "garment": files[f"layers.{layer}.garment"]}


def test_an_outfit_is_one_try_on_after_the_other(studio: Studio, files: dict[str, Path]) -> None:
    result, first, second = studio.dress(files, **OUTFIT, return_steps=True)
    assert [file.name for file in (result, first, second)] == ["result.png", "step_1.png", "step_2.png"]
    assert result.read_bytes() == second.read_bytes()
    (upper,) = studio.dress(alone(files, files["person"], 0), mask=None, category="upper")
    assert first.read_bytes() == upper.read_bytes()
    (lower,) = studio.dress(alone(files, upper, 1), mask=None, category="lower")
    assert result.read_bytes() == lower.read_bytes()


def test_each_pass_touches_only_what_its_own_mask_covers(studio: Studio, files: dict[str, Path]) -> None:
    """What the first garment changed and the second mask spares is still there."""
    mask_1, mask_2, result, step_1, _ = studio.dress(files, **OUTFIT, return_steps=True, return_mask=True)
    assert [mask_1.name, mask_2.name] == ["mask_1.png", "mask_2.png"]
    photo, first, last = (array(opened(file)) for file in (files["person"], step_1, result))
    spared = array(opened(mask_2).filter(ImageFilter.MaxFilter(31))) == 0
    assert spared.any()
    assert (last == first)[spared].all()
    face = where(opened(files["person"]), FACE)
    inner = face & (array(opened(mask_1).filter(ImageFilter.MaxFilter(31))) == 0)
    assert (first == photo)[inner].all()


def test_the_last_pass_can_stay_as_it_was_painted(studio: Studio, files: dict[str, Path]) -> None:
    result, first, second = studio.dress(files, **OUTFIT, return_steps=True, repaint=False)
    assert opened(result).size == (96, 128)
    assert opened(first).size == opened(second).size == (192, 256)


def test_sample_i_is_an_outfit_with_seed_plus_i(studio: Studio, files: dict[str, Path]) -> None:
    names = [file.name for file in studio.dress(files, **OUTFIT, samples=2, seed=7, return_steps=True)]
    assert names == ["result.png", "result_1.png", "step_1.png", "step_1_1.png", "step_2.png", "step_2_1.png"]
    both = studio.dress(files, **OUTFIT, samples=2, seed=7)
    for sample, seed in zip(both, (7, 8), strict=True):
        (one,) = studio.dress(files, **OUTFIT, seed=seed)
        assert sample.read_bytes() == one.read_bytes()


def test_progress_counts_the_steps_of_all_passes(studio: Studio, files: dict[str, Path]) -> None:
    studio.dress(files, **OUTFIT, samples=2)
    denoised = [(done, total) for stage, done, total in studio.stages if stage == "denoise"]
    assert sorted(set(denoised)) == [(done, 8) for done in range(9)]
    assert denoised == sorted(denoised)


def test_without_masks_every_pass_paints_the_whole_picture(
    maskfree: CatVTON, runner: asyncio.Runner, tmp_path: Path, files: dict[str, Path]
) -> None:
    studio = Studio(maskfree, runner, tmp_path)
    result, first, _ = studio.dress(files, **OUTFIT, return_steps=True)
    (upper,) = studio.dress(alone(files, files["person"], 0), mask=None)
    (lower,) = studio.dress(alone(files, first, 1), mask=None)
    assert first.read_bytes() == upper.read_bytes()
    assert result.read_bytes() == lower.read_bytes()


def test_nobody_to_dress_ends_the_job(studio: Studio, files: dict[str, Path], tmp_path: Path) -> None:
    wall = saved(Image.new("RGB", (96, 128), WALL), tmp_path / "wall.png")
    with pytest.raises(InputError) as caught:
        studio.dress(files | {"person": wall}, **OUTFIT)
    assert caught.value.code == "no_person"


# -- the request -------------------------------------------------------------------------------------------------

BODY: dict[str, Any] = {"person": "p", "layers": [{"garment": "a", "category": "upper"}] * 2}


def test_its_garments_are_inputs_by_their_place() -> None:
    request = Request.model_validate(BODY)
    assert list(request.inputs()) == ["person", "layers.0.garment", "layers.1.garment"]
    written = request.emptied()
    assert set(written.inputs().values()) == {"fetched"}
    assert list(request.inputs().values()) == ["p", "a", "a"]
    again = Request.model_validate(written.model_dump(mode="json"))
    assert list(again.inputs()) == list(request.inputs())


def test_an_outfit_costs_its_passes_and_a_mask_alone_nothing() -> None:
    one = Request.model_validate({"person": "p", "garment": "a"})
    assert Request.model_validate(BODY).work() == 2 * one.work()
    assert Request.model_validate({"person": "p", "mask_only": True}).work() == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers": [{"garment": "a", "category": "upper"}]}, "at least 2 items"),
        ({"layers": [{"garment": "a", "category": "upper"}] * 5}, "at most 4 items"),
        ({"layers": [{"garment": "a"}] * 2}, "Field required"),
        ({"garment": "g"}, "give either 'garment' or 'garments' or 'layers'"),
        ({"mask": "m"}, "a mask of its own"),
        ({"layers": None}, "give either"),
        ({"layers": None, "garment": "g", "return_steps": True}, "'return_steps' is for 'layers'"),
        ({"mask_only": True}, "give no garment and no mask"),
        ({"layers": None, "mask_only": True, "mask": "m"}, "give no garment and no mask"),
        ({"layers": None, "mask_only": True, "garment": "g"}, "give no garment and no mask"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Request.model_validate(BODY | changes)
