"""Sampling that starts in the middle: who is told the true noise finds what was noised, whatever the solver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.diffusion.ddim import DDIM
from model.diffusion.dpm_solver import DPMSolver
from model.diffusion.schedule import NoiseSchedule
from model.diffusion.sigmas import Sigmas
from model.diffusion.unipc import UniPC
from model.train.scheduler import scheduler_config

STEPS = 8


@pytest.fixture
def clean_and_noise() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn((1, 4, 3, 5), generator=generator) for _ in range(2))
    return clean, noise


@pytest.fixture
def schedule(tmp_path: Path) -> NoiseSchedule:
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps(scheduler_config("epsilon")))
    return NoiseSchedule.read(file)


@pytest.mark.parametrize("first", [0, 3, STEPS - 1])
@pytest.mark.parametrize("solver", [DDIM, DPMSolver])
def test_from_any_step_the_solvers_end_in_the_start(
    solver: type[DDIM | DPMSolver], first: int, schedule: NoiseSchedule, clean_and_noise: tuple[Tensor, Tensor]
) -> None:
    clean, noise = clean_and_noise
    sampler = solver(schedule, STEPS, eta=0.0)
    latents = sampler.noised(clean, noise, first)
    for i in range(first, STEPS):
        latents = sampler.step(noise, i, latents, None)
    assert (latents - clean).abs().max() < 0.15  # the published schedule's last step leaves a trace of noise


@pytest.mark.parametrize("first", [0, 3, STEPS - 1])
def test_unipc_ends_in_the_start_at_its_last_noise(first: int, clean_and_noise: tuple[Tensor, Tensor]) -> None:
    clean, noise = clean_and_noise
    sampler = UniPC(Sigmas.of(0.00085, 0.012, 1000, karras=True), STEPS, first)
    latents = sampler.noised(clean, noise, first)
    for i in range(first, STEPS):
        latents = sampler.step(noise, i, latents)
    assert (latents - clean).abs().max() < 0.12
    if first < STEPS - 1:
        assert (latents - sampler.noised(clean, noise, STEPS - 1)).abs().max() < 1e-4
