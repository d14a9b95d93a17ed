"""The denoising loop of six views: noise goes in, the latents after each step come out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import torch
from torch import Tensor

from model.diffusion.ddpm import DDPM
from model.diffusion.layout import sent
from model.diffusion.noise import Normal

# A `ViewDenoiser` behind the device's queue.
AwaitedDenoiser = Callable[..., Awaitable[Sequence[Tensor]]]


async def sample(
    denoiser: AwaitedDenoiser, ddpm: DDPM, latents: Tensor, conditions: Sequence[Tensor], guidance: float, noise: Normal
) -> AsyncIterator[tuple[int, Tensor]]:
    """Yield, after each step, how many are done and the latents, (6, 4, h, w) float32.

    Args:
        denoiser: with an unconditional half exactly when `guidance` is above 1.
        latents: standard normal, (6, 4, h, w).
        conditions: as `ViewDenoiser` takes them.
        guidance: how far to go beyond the unconditional prediction.
        noise: drawn from once per step, the last included.
    """
    for i, timestep in enumerate(ddpm.timesteps):
        timesteps = torch.full((len(latents),), timestep, device=latents.device)
        *unconditional, prediction = await denoiser(latents, timesteps, *conditions)
        for without in unconditional:
            prediction = without + guidance * (prediction - without)
        latents = ddpm.step(prediction, i, latents, sent(noise(latents.shape), latents.device))
        yield i + 1, latents
