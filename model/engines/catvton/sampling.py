"""The sampling loop: noise goes in, the latents after each step come out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import torch
from torch import Tensor

from model.diffusion.ddim import DDIM
from model.diffusion.dpm_solver import DPMSolver
from model.diffusion.layout import sent
from model.diffusion.noise import Normal
from model.diffusion.sampler import Sampler
from model.engines.catvton.presets import Solver

# The denoiser behind the device's queue: (latents, timesteps, condition) -> prediction.
Denoise = Callable[[Tensor, Tensor, Tensor], Awaitable[Tensor]]

SAMPLERS: Mapping[Solver, type[DDIM | DPMSolver]] = {"ddim": DDIM, "dpmpp": DPMSolver}


def condition_rows(person: Tensor, garment: Tensor, mask: Tensor | None, *, guided: bool) -> Tensor:
    """What the UNet sees beside the noise.

    Args:
        person, garment: latents of the (masked) person and of the garment, (B, C, h, w). As published, C is 4.
        mask: 1 where to paint, (B, 1, H, W), or (1, 1, H, W) for all; None for the mask-free variant.
        guided: put B rows without the garment before the B rows with it.

    Returns:
        With a mask (B or 2B, 1 + C, 2h, w): the mask, and the person above the garment.
        Without (B or 2B, C, h, 2w): the person left of the garment.
    """
    garments = [torch.zeros_like(garment), garment] if guided else [garment]
    axis = concatenation_axis(masked=mask is not None)
    rows = torch.cat([torch.cat([person, one], dim=axis) for one in garments])
    if mask is None:
        return rows
    mask = mask_at(mask, person)
    mask = torch.cat([mask, torch.zeros_like(mask)], dim=axis).expand(len(person), -1, -1, -1)
    return torch.cat([mask.repeat(len(garments), 1, 1, 1), rows], dim=1)


def mask_at(mask: Tensor, latents: Tensor) -> Tensor:
    """The mask (..., H, W) as large as the latents (..., h, w): its value where each one begins, as published."""
    stride = mask.shape[-2] // latents.shape[-2]
    return mask[..., ::stride, ::stride]


def concatenation_axis(*, masked: bool) -> int:
    """Where person and garment meet: the mask-based variant was trained on one above the other."""
    return -2 if masked else -1


async def sample(
    denoise: Denoise,
    sampler: Sampler,
    condition: Tensor,
    guidance: float,
    noise: Normal,
    channels: int = 4,
    first: int = 0,
    start: Tensor | None = None,
) -> AsyncIterator[tuple[int, Tensor]]:
    """Yield, after each step, how many are done and the latents, (B, channels, ...) float32, as large as the condition.

    Args:
        condition: from `condition_rows`; guided exactly when `guidance` is above 1.
        guidance: how far to go beyond the unconditional prediction; at 1 or below there is none.
        noise: drawn from once for the initial latents, then once per step unless eta is 0.
        first: the step to begin with.
        start: clean latents to begin in, noised as before that step, (1, channels, ...); None: in noise alone.
    """
    device, rows = condition.device, len(condition)
    samples = rows // 2 if guidance > 1 else rows
    shape = (samples, channels, *condition.shape[-2:])
    latents = sent(noise(shape), device)
    if start is not None:
        latents = sampler.noised(start, latents, first)
    for i, timestep in enumerate(sampler.timesteps[first:], first):
        timesteps = torch.full((rows,), timestep, device=device)
        prediction = await denoise(latents.repeat(rows // samples, 1, 1, 1), timesteps, condition)
        if guidance > 1:
            without, with_garment = prediction.chunk(2)
            prediction = without + guidance * (with_garment - without)
        fresh = sent(noise(shape), device) if sampler.eta > 0 else None
        latents = sampler.step(prediction, i, latents, fresh)
        yield i + 1 - first, latents
