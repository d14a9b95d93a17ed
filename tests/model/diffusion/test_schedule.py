"""DDIM against diffusers' own, and the configs it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from diffusers import DDIMScheduler

from model.diffusion.ddim import DDIM
from model.diffusion.schedule import NoiseSchedule, Spacing
from model.errors import WeightsError
from tests.model.conftest import DATA

CONFIG = DATA / "weights/catvton/base/scheduler/scheduler_config.json"


def write(folder: Path, **changes: Any) -> Path:
    file = folder / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(CONFIG.read_text()) | changes))
    return file


@pytest.mark.parametrize("spacing", get_args(Spacing))
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 4, 15, 50, 200])
def test_every_step_is_diffusers_step_to_the_bit(tmp_path: Path, steps: int, eta: float, spacing: Spacing) -> None:
    file = write(tmp_path, timestep_spacing=spacing)
    theirs = DDIMScheduler.from_config(json.loads(file.read_text()))
    theirs.set_timesteps(steps)
    ours = DDIM(NoiseSchedule.read(file), steps, eta)
    assert ours.timesteps == theirs.timesteps.tolist()
    generator = torch.Generator().manual_seed(steps)
    for i, t in enumerate(ours.timesteps):
        latents, prediction, noise = torch.randn(3, 2, 4, 8, 6, generator=generator)
        expected = theirs.step(prediction, t, latents, eta=eta, variance_noise=noise).prev_sample
        assert torch.equal(ours.step(prediction, i, latents, noise if eta else None), expected)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_step_of_v_prediction_is_diffusers_step_to_the_bit(tmp_path: Path, eta: float) -> None:
    file = write(tmp_path, prediction_type="v_prediction")
    theirs = DDIMScheduler.from_config(json.loads(file.read_text()))
    theirs.set_timesteps(15)
    ours = DDIM(NoiseSchedule.read(file, ("v_prediction",)), 15, eta)
    generator = torch.Generator().manual_seed(15)
    for i, t in enumerate(ours.timesteps):
        latents, prediction, noise = torch.randn(3, 2, 4, 8, 6, generator=generator)
        expected = theirs.step(prediction, t, latents, eta=eta, variance_noise=noise).prev_sample
        assert torch.equal(ours.step(prediction, i, latents, noise if eta else None), expected)


def test_a_schedule_may_end_without_noise(tmp_path: Path) -> None:
    ddim = DDIM(NoiseSchedule.read(write(tmp_path, set_alpha_to_one=True)), 1, 0.0)
    clean, noise = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    alpha = NoiseSchedule.read(CONFIG).alphas[1]
    assert torch.allclose(ddim.step(noise, 0, alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise, None), clean, atol=1e-5)


@pytest.mark.parametrize("steps", [0, 1000, 1001])
def test_a_step_count_without_timesteps_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=str(steps)):
        DDIM(NoiseSchedule.read(CONFIG), steps, 0.0)


def test_another_class_with_the_same_numbers_is_sampled_with_ddim(tmp_path: Path) -> None:
    euler = NoiseSchedule.read(write(tmp_path, _class_name="EulerAncestralDiscreteScheduler"))
    assert torch.equal(euler.alphas, NoiseSchedule.read(CONFIG).alphas)


def test_keys_that_do_not_matter_are_ignored(tmp_path: Path) -> None:
    NoiseSchedule.read(write(tmp_path, skip_prk_steps=False, dynamic_thresholding_ratio=0.1))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_class_name", "LCMScheduler"),
        ("beta_schedule", "squaredcos_cap_v2"),
        ("trained_betas", [0.1]),
        ("prediction_type", "v_prediction"),
        ("timestep_spacing", "linspace"),
        ("clip_sample", True),
        ("thresholding", True),
        ("rescale_betas_zero_snr", True),
    ],
)
def test_a_config_we_cannot_sample_is_refused_by_key_and_value(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(WeightsError, match=f"{key} is") as caught:
        NoiseSchedule.read(write(tmp_path, **{key: value}))
    assert repr(value) in caught.value.message


def test_a_key_left_out_means_what_it_means_to_diffusers(tmp_path: Path) -> None:
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps({k: v for k, v in json.loads(CONFIG.read_text()).items() if k != "clip_sample"}))
    with pytest.raises(WeightsError, match="clip_sample is True"):
        NoiseSchedule.read(file)


@pytest.mark.parametrize("content", ["{", "{}", '{"_class_name": "DDIMScheduler"}'])
def test_a_broken_config_is_a_weights_error_naming_the_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "scheduler_config.json"
    file.write_text(content)
    with pytest.raises(WeightsError, match="scheduler_config"):
        NoiseSchedule.read(file)


def test_an_absent_config_is_a_weights_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        NoiseSchedule.read(tmp_path / "scheduler_config.json")


def test_a_missing_number_is_named(tmp_path: Path) -> None:
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps({k: v for k, v in json.loads(CONFIG.read_text()).items() if k != "beta_end"}))
    with pytest.raises(WeightsError, match="missing key 'beta_end'"):
        NoiseSchedule.read(file)
