"""What is predicted and how much it counts, against diffusers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_dream_and_update_latents, compute_snr
from torch import Generator, Tensor

from model.diffusion.schedule import PredictionType
from model.train.noise import Noising, draw_timesteps, weighted_mse
from model.train.scheduler import new_schedule, scheduler_config


def noising(prediction_type: PredictionType) -> tuple[DDPMScheduler, Noising, Tensor, Tensor]:
    scheduler = DDPMScheduler.from_config(scheduler_config(prediction_type))
    generator = Generator().manual_seed(0)
    clean, noise = torch.randn(2, 4, 3, 6, 5, generator=generator)
    timesteps = torch.tensor([0, 10, 500, 999])
    return scheduler, Noising(new_schedule(prediction_type), timesteps, clean, noise), timesteps, clean


def guess(noisy: Tensor) -> Tensor:
    return 0.3 * noisy.flip(1)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_noisy_latents_and_targets_are_diffusers(prediction_type: PredictionType) -> None:
    scheduler, ours, timesteps, clean = noising(prediction_type)
    assert torch.allclose(ours.noisy, scheduler.add_noise(clean, ours.noise, timesteps), atol=1e-6)
    expected = ours.noise if prediction_type == "epsilon" else scheduler.get_velocity(clean, ours.noise, timesteps)
    assert torch.allclose(ours.target, expected, atol=1e-6)


@pytest.mark.parametrize("detail", [0.0, 1.0, 10.0])
def test_dream_is_diffusers(detail: float) -> None:
    scheduler, ours, timesteps, _ = noising("epsilon")

    def unet(noisy: Tensor, *unused: Any) -> SimpleNamespace:
        return SimpleNamespace(sample=guess(noisy))

    noisy, target = compute_dream_and_update_latents(
        unet, scheduler, timesteps, ours.noise, ours.noisy, ours.target, torch.empty(0), detail
    )
    ours.dream(guess, detail)
    assert torch.allclose(ours.noisy, noisy, atol=1e-5)
    assert torch.allclose(ours.target, target, atol=1e-5)


def test_dream_of_a_network_that_predicts_v_is_that_of_the_noise_it_means() -> None:
    _, of_noise, _, clean = noising("epsilon")
    _, of_v, _, _ = noising("v_prediction")
    alphas = of_v.alphas

    def guess_of_v(noisy: Tensor) -> Tensor:  # v = (e - sqrt(1 - a) x) / sqrt(a)
        return (guess(noisy) - (1 - alphas) ** 0.5 * noisy) / alphas**0.5

    of_noise.dream(guess, 1.0)
    of_v.dream(guess_of_v, 1.0)
    assert torch.allclose(of_v.noisy, of_noise.noisy, atol=1e-4)
    expected = alphas**0.5 * of_noise.target - (1 - alphas) ** 0.5 * clean
    assert torch.allclose(of_v.target, expected, atol=1e-4)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_min_snr_caps_the_ratio(prediction_type: PredictionType) -> None:
    scheduler, ours, timesteps, _ = noising(prediction_type)
    snr = compute_snr(scheduler, timesteps)
    expected = snr.clamp(max=5) / (snr if prediction_type == "epsilon" else snr + 1)
    assert torch.allclose(ours.min_snr(5.0).flatten(), expected, rtol=1e-3)


def test_timesteps_are_uniform_or_lean_towards_noise() -> None:
    generator = Generator().manual_seed(0)
    even = torch.cat([draw_timesteps(16, 1000, 1.0, generator) for _ in range(500)])
    counts = even.bincount(minlength=1000).view(10, 100).sum(1)
    assert (counts - 800).abs().max() < 40
    noisy = torch.cat([draw_timesteps(16, 1000, 2.0, generator) for _ in range(500)])
    assert (noisy >= 500).float().mean() == pytest.approx(0.75, abs=0.02)
    assert min(even.min(), noisy.min()) >= 0
    assert max(even.max(), noisy.max()) <= 999


def test_a_batch_covers_the_whole_range() -> None:
    timesteps = draw_timesteps(10, 1000, 1.0, Generator().manual_seed(3))
    assert sorted((timesteps // 100).tolist()) == list(range(10))


def test_without_weights_the_loss_is_the_mean_squared_error() -> None:
    prediction, target = torch.randn(2, 3, 4, 6, 5, generator=Generator().manual_seed(0))
    plain = torch.nn.functional.mse_loss(prediction, target)
    assert torch.allclose(weighted_mse(prediction, target, None, None), plain)
    ones = torch.ones(3, 1, 6, 5)
    assert torch.allclose(weighted_mse(prediction, target, torch.ones(3, 1, 1, 1), 7 * ones), plain)


def test_places_without_weight_do_not_count() -> None:
    prediction, target = torch.randn(2, 3, 4, 6, 5, generator=Generator().manual_seed(0))
    weights = torch.zeros(3, 1, 6, 5)
    weights[..., :3, :] = 1
    inside = torch.nn.functional.mse_loss(prediction[..., :3, :], target[..., :3, :])
    assert torch.allclose(weighted_mse(prediction, target, None, weights), inside)
