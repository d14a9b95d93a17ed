"""UniPC against recorded runs of the published sampler, and on its own."""

from __future__ import annotations

import json
from math import sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.diffusion.sigmas import Sigmas
from model.diffusion.unipc import UniPC
from model.errors import WeightsError
from tests.server import GOLDEN

RECORDED = GOLDEN / "ootdiffusion/scheduler/scheduler.npz"
CHECKPOINTS = GOLDEN / "ootdiffusion/checkpoints/ootd"
TOLERANCE = 1e-5
KARRAS_20 = "999 962 921 876 827 772 710 640 561 474 380 285 197 123 69 35 15 6 2 0"


@pytest.fixture(scope="module")
def recorded() -> dict[str, NDArray[Any]]:
    if not RECORDED.is_file():
        pytest.skip("the reference data is not here")
    with np.load(RECORDED) as opened:
        return dict(opened)


def eps(latents: Tensor, timestep: int) -> Tensor:
    """What stands for a network in the recorded runs."""
    return 0.9 * torch.tanh(0.7 * latents) + 0.2 * sin(timestep / 100)


def distance(ours: Tensor, theirs: NDArray[Any]) -> float:
    return float(np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize("steps", [1, 2, 4, 10, 20])
@pytest.mark.parametrize("name", ["scheduler", "scheduler_sd15"])
def test_it_goes_the_published_way(recorded: dict[str, NDArray[Any]], name: str, steps: int) -> None:
    def array(what: str) -> NDArray[Any]:
        return recorded[f"{name}_{steps}_{what}"]

    sigmas = Sigmas.read(CHECKPOINTS / name / "scheduler_config.json")
    timesteps, visited = sigmas.visited(steps)
    assert timesteps == array("timesteps").tolist()
    np.testing.assert_allclose(visited, array("sigmas"), rtol=TOLERANCE)

    plain, repainted = UniPC(sigmas, steps), UniPC(sigmas, steps)
    noise, known, mask = (torch.from_numpy(array(what)) for what in ("start", "known", "mask"))
    free = bound = noise
    for i, timestep in enumerate(timesteps):
        free = plain.step(eps(free, timestep), i, free)
        assert distance(free, array("traj")[i]) < TOLERANCE
        noised = repainted.noised(known, noise, i + 1)
        assert distance(noised, array("known_noised")[i]) < TOLERANCE
        bound = (1 - mask) * noised + mask * repainted.step(eps(bound, timestep), i, bound)
        assert distance(bound, array("repaint_traj")[i]) < TOLERANCE


def published() -> Sigmas:
    return Sigmas.of(0.00085, 0.012, 1000, karras=True)


def test_karras_spacing_visits_the_published_timesteps() -> None:
    timesteps, sigmas = published().visited(20)
    assert " ".join(map(str, timesteps)) == KARRAS_20
    assert sigmas[0] == pytest.approx(14.6146, rel=1e-5)
    assert sigmas[-2:] == pytest.approx([0.0291675, 0.0291675], rel=1e-5)


@pytest.mark.parametrize("steps", [45, 100, 200])
def test_repeated_timesteps_are_no_trouble(steps: int) -> None:
    """The published sampler stops there with an error."""
    sampler = UniPC(published(), steps)
    assert len(set(sampler.timesteps)) < steps
    latents = torch.randn((1, 4, 4, 3), generator=torch.Generator().manual_seed(0))
    clean = torch.full_like(latents, 0.5)
    for i in range(steps):
        level = sampler.noised(torch.zeros_like(clean), torch.ones_like(clean), i)
        signal = (1 - level**2) ** 0.5
        latents = sampler.step((latents - signal * clean) / level, i, latents)  # a network that knows the answer
    assert (latents - clean).abs().max() < 0.15  # it stops where a little noise is left


def test_files_that_ask_for_more_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "scheduler_config.json"
    config: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
    for wrong, said in (
        ({"prediction_type": "v_prediction"}, "prediction_type is 'v_prediction'"),
        ({"timestep_spacing": "leading"}, "timestep_spacing is 'leading'"),
        ({"beta_schedule": "linear"}, "beta_schedule is 'linear'"),
    ):
        file.write_text(json.dumps(config | wrong))
        with pytest.raises(WeightsError, match=said):
            Sigmas.read(file)
    file.write_text("{}")
    with pytest.raises(WeightsError, match="missing key 'beta_start'"):
        Sigmas.read(file)
    with pytest.raises(ValueError, match="at least 1"):
        published().visited(0)


def test_infinity_in_the_file_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / "scheduler_config.json"
    config = {"beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000, "use_karras_sigmas": True}
    file.write_text(json.dumps(config | {"lambda_min_clipped": -np.inf}))
    assert "-Infinity" in file.read_text()
    assert Sigmas.read(file).karras
