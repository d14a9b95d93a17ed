"""The shifted schedule and ancestral sampling with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDPMScheduler

from model.diffusion.ddpm import DDPM
from model.diffusion.schedule import NoiseSchedule
from tests.model.up2you.goldens import golden, golden_json, largest_difference

STABLE_DIFFUSION = {
    "_class_name": "PNDMScheduler",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "set_alpha_to_one": False,
}


@pytest.fixture
def schedule(tmp_path: Path) -> NoiseSchedule:
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps(STABLE_DIFFUSION))
    return NoiseSchedule.read(file)


def test_the_shift_is_the_published_one(schedule: NoiseSchedule) -> None:
    expected = golden("scheduler")
    assert largest_difference(schedule.alphas, expected["base_alphas_cumprod"]) < 1e-6
    shifted = schedule.shifted(golden_json("scheduler")["shift_scale"])
    assert largest_difference(shifted.alphas, expected["alphas_cumprod"]) < 1e-6


def test_the_shift_takes_no_signal_first_and_an_eighth_of_it_last(schedule: NoiseSchedule) -> None:
    alphas, shifted = schedule.alphas.double(), schedule.shifted(8.0).alphas.double()
    lost = (alphas / (1 - alphas)) / (shifted / (1 - shifted))
    assert lost[0].item() == pytest.approx(1, rel=1e-3)
    assert lost[-1].item() == pytest.approx(8, rel=1e-3)
    assert schedule.alphas[500] > schedule.shifted(8.0).alphas[500]  # the original is left as it was


@pytest.mark.parametrize("steps", [10, 50])
def test_timesteps_are_the_published_ones(schedule: NoiseSchedule, steps: int) -> None:
    assert DDPM(schedule.shifted(8.0), steps).timesteps == golden("scheduler")[f"timesteps_{steps}"].tolist()


def test_every_step_is_the_published_one(schedule: NoiseSchedule) -> None:
    expected, parameters = golden("scheduler"), golden_json("scheduler")
    ddpm = DDPM(schedule.shifted(parameters["shift_scale"]), parameters["n_steps"])
    generator = torch.Generator().manual_seed(parameters["step_generator_seed"])
    latents = expected["x0"]
    for i, prediction in enumerate(expected["model_outputs"]):
        latents = ddpm.step(prediction, i, latents, torch.randn(latents.shape, generator=generator))
        scale = max(1.0, expected[f"step_{i}"].abs().max().item())
        assert largest_difference(latents, expected[f"step_{i}"]) < 1e-6 * scale


@pytest.mark.parametrize("steps", [1, 3, 50, 333])
def test_every_step_is_diffusers_step(schedule: NoiseSchedule, steps: int) -> None:
    shifted = schedule.shifted(8.0)
    betas = 1 - shifted.alphas / torch.cat([torch.ones(1), shifted.alphas[:-1]])
    theirs = DDPMScheduler(trained_betas=betas.tolist(), clip_sample=False, steps_offset=1, timestep_spacing="leading")
    theirs.set_timesteps(steps)
    ours = DDPM(shifted, steps)
    assert ours.timesteps == theirs.timesteps.tolist()
    latents = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(steps))
    prediction = latents.roll(1)
    for i in (0, steps // 2, steps - 1):
        expected = theirs.step(
            prediction, ours.timesteps[i], latents, generator=torch.Generator().manual_seed(i)
        ).prev_sample
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(i))
        assert torch.allclose(ours.step(prediction, i, latents, noise), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 1000])
def test_a_step_count_without_timesteps_is_refused(schedule: NoiseSchedule, steps: int) -> None:
    with pytest.raises(ValueError, match=str(steps)):
        DDPM(schedule, steps)
