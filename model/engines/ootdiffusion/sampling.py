"""The sampling loop: noise goes in, the latents after each step come out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from torch import Tensor

from model.diffusion.unipc import UniPC

# (latents (B, C, h, w), timestep) -> noise (B, halves, C, h, w), with the garment first
PredictNoise = Callable[[Tensor, int], Awaitable[Tensor]]


async def sample(
    denoise: PredictNoise,
    sampler: UniPC,
    guidance: float,
    known: Tensor,
    mask: Tensor,
    noise: Tensor,
    first: int = 0,
    start: Tensor | None = None,
) -> AsyncIterator[tuple[int, Tensor]]:
    """Yield, after each step, how many are done and the latents, (B, C, h, w) float32.

    Args:
        guidance: how far to go beyond the prediction without the garment, where `denoise` makes one.
        known: scaled latents of the photo, which stay outside the mask: (1, C, h, w).
        mask: 1 where to paint, (1, 1, h, w).
        noise: where to begin, standard normal, (B, C, h, w).
        first: the step to begin with, the sampler's own first.
        start: scaled clean latents to begin in, noised as before that step, (1, C, h, w); None: in noise alone.
    """
    latents = noise if start is None else sampler.noised(start, noise, first)
    for i, timestep in enumerate(sampler.timesteps[first:], first):
        prediction = guided(await denoise(latents, timestep), guidance)
        latents = sampler.step(prediction, i, latents)
        latents = (1 - mask) * sampler.noised(known, noise, i + 1) + mask * latents
        yield i + 1 - first, latents


def guided(halves: Tensor, guidance: float) -> Tensor:
    """(B, halves, C, h, w) -> (B, C, h, w)."""
    if halves.shape[1] == 1:
        return halves[:, 0]
    with_garment, without = halves.unbind(1)
    return without + guidance * (with_garment - without)
