"""The loop keeps the photo outside the mask, at every step as noisy as what it paints."""

from __future__ import annotations

import asyncio

import torch
from torch import Tensor

from model.diffusion.noise import seeded
from model.diffusion.sigmas import Sigmas
from model.diffusion.unipc import UniPC
from model.engines.ootdiffusion.sampling import guided, sample

STEPS = 4


def test_outside_the_mask_latents_are_the_photos_with_the_noise_of_the_step() -> None:
    sampler = UniPC(Sigmas.of(0.00085, 0.012, 1000, karras=True), STEPS)
    noise, known = (seeded(seed, 1)((1, 4, 6, 6)) for seed in (1, 2))
    mask = torch.zeros(1, 1, 6, 6)
    mask[..., 3:] = 1

    async def denoise(latents: Tensor, timestep: int) -> Tensor:
        return latents.tanh()[:, None]

    async def every_step() -> list[tuple[int, Tensor]]:
        return [step async for step in sample(denoise, sampler, 2, known, mask, noise)]

    steps = asyncio.run(every_step())
    assert [done for done, _ in steps] == [1, 2, 3, 4]
    for done, latents in steps:
        assert torch.equal(latents[..., :3], sampler.noised(known, noise, done)[..., :3])
        assert (latents[..., 3:] - sampler.noised(known, noise, done)[..., 3:]).abs().min() > 1e-4
    assert torch.equal(steps[-1][1][..., :3], known[..., :3])


def test_guidance_goes_beyond_what_is_there_without_the_garment() -> None:
    halves = torch.stack([torch.full((1, 4, 2, 2), 3.0), torch.full((1, 4, 2, 2), 1.0)], 1)
    assert torch.equal(guided(halves, 2.5), torch.full((1, 4, 2, 2), 6.0))
    assert torch.equal(guided(halves[:, :1], 2.5), halves[:, 0])
