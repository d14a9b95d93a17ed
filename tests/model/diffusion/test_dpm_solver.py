"""DPM-Solver++ against diffusers' own."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from model.diffusion.ddim import DDIM
from model.diffusion.dpm_solver import DPMSolver
from model.diffusion.noise import seeded
from model.diffusion.sampler import Sampler
from model.diffusion.schedule import NoiseSchedule, PredictionType, Spacing
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.sampling import sample

BETAS = 0.00085, 0.012
ALGORITHMS = {0.0: "dpmsolver++", 1.0: "sde-dpmsolver++"}


def schedule(prediction_type: PredictionType = "epsilon", spacing: Spacing = "leading") -> NoiseSchedule:
    """The published one, or a relative of it."""
    return NoiseSchedule(
        *BETAS,
        train_steps=1000,
        steps_offset=1,
        clean_end=False,
        prediction_type=prediction_type,
        spacing=spacing,
    )


def theirs(steps: int, eta: float, prediction_type: PredictionType, spacing: Spacing) -> DPMSolverMultistepScheduler:
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_start=BETAS[0],
        beta_end=BETAS[1],
        beta_schedule="scaled_linear",
        steps_offset=1,
        prediction_type=prediction_type,
        timestep_spacing=spacing,
        algorithm_type=ALGORITHMS[eta],
    )
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # numpy's, of what diffusers does with tensors
@pytest.mark.parametrize("prediction_type", get_args(PredictionType))
@pytest.mark.parametrize("spacing", get_args(Spacing))
@pytest.mark.parametrize("eta", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 14, 15, 20, 50])
def test_every_step_is_diffusers_step(
    steps: int, eta: float, spacing: Spacing, prediction_type: PredictionType
) -> None:
    ours = DPMSolver(schedule(prediction_type, spacing), steps, eta)
    scheduler = theirs(steps, eta, prediction_type, spacing)
    assert ours.timesteps == scheduler.timesteps.tolist()
    generator = torch.Generator().manual_seed(steps)
    latents = torch.randn(2, 4, 8, 6, generator=generator)
    for i, t in enumerate(ours.timesteps):
        prediction, noise = torch.randn(2, *latents.shape, generator=generator)
        expected = scheduler.step(prediction, t, latents, variance_noise=noise).prev_sample
        latents = ours.step(prediction, i, latents, noise if eta else None)
        assert (latents - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_a_network_that_knows_the_picture_is_given_the_noise_it_expects(eta: float) -> None:
    """The picture is reached exactly, and on the way the latents hold as much noise as the timestep says."""
    picture = torch.tensor(0.7)
    noise_schedule, generator = schedule(), torch.Generator().manual_seed(1)
    sampler = DPMSolver(noise_schedule, 8, eta)
    alphas = noise_schedule.alphas[sampler.timesteps]
    noise = torch.randn(200_000, generator=generator)
    latents: Tensor = alphas[0] ** 0.5 * picture + (1 - alphas[0]) ** 0.5 * noise
    for i, alpha in enumerate(alphas):
        seen = latents - alpha**0.5 * picture
        assert seen.mean().abs() < 0.01
        assert seen.std() == pytest.approx((1 - alpha).item() ** 0.5, rel=0.01)
        fresh = torch.randn(latents.shape, generator=generator)
        latents = sampler.step(seen / (1 - alpha) ** 0.5, i, latents, fresh)
    assert torch.allclose(latents, picture, atol=1e-5)


def test_on_its_way_it_follows_the_equation_far_better_than_ddim() -> None:
    """Of pictures normally distributed the network is known, and so is the line on which each noise goes."""
    mean, deviation, steps = 0.3, 0.5, 10
    noise_schedule, start = schedule(spacing="trailing"), torch.linspace(-2, 2, 9)

    def spread(t: int) -> Tensor:
        alpha = noise_schedule.alphas[t]
        return (alpha * deviation**2 + 1 - alpha) ** 0.5

    def error(sampler: Sampler) -> float:
        """Before the last step, which is the same for both."""
        latents = start
        for i, t in enumerate(sampler.timesteps[:-1]):
            alpha = noise_schedule.alphas[t]
            noise = (1 - alpha) ** 0.5 * (latents - alpha**0.5 * mean) / spread(t) ** 2
            latents = sampler.step(noise, i, latents, None)
        first, last = sampler.timesteps[0], sampler.timesteps[-1]
        begin, end = noise_schedule.alphas[[first, last]] ** 0.5 * mean
        return float((latents - end - (start - begin) * spread(last) / spread(first)).abs().max())

    assert error(DPMSolver(noise_schedule, steps, 0.0)) < 0.2 * error(DDIM(noise_schedule, steps, 0.0))


@pytest.mark.parametrize("steps", [0, 1000])
def test_a_step_count_without_timesteps_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="steps"):
        DPMSolver(schedule(), steps, 0.0)


@pytest.mark.parametrize("eta", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_network_that_predicts_noise_badly_is_walked_to_finite_latents(
    tryon: CatVTON, runner: asyncio.Runner, steps: int, eta: float
) -> None:
    """Random weights: what they call noise is none, and clean latents divide it by the little signal at the start."""
    networks = tryon.networks["mask"]
    assert networks.noise_schedule.prediction_type == "epsilon"
    assert networks.noise_schedule.spacing == "leading"
    condition = torch.randn(2, 5, 32, 12, generator=torch.Generator().manual_seed(0))
    sampler = DPMSolver(networks.noise_schedule, steps, eta)

    async def last() -> Tensor:
        async with tryon.device.live("tryon", 0):
            return [latents async for _, latents in sample(networks.denoiser, sampler, condition, 2.5, seeded(0, 1))][
                -1
            ]

    assert runner.run(last()).isfinite().all()
