"""The avatar's two view loops, from photos to views, done both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor

from bench.contest import Contest, Work
from bench.flops import counted
from bench.plain.avatar import PlainAvatar
from bench.plain.stock import without_memory
from bench.views import GUIDANCE, step_flops
from model.avatar.feature_selector import PUBLISHED_RATIO
from model.engines.up2you.files import UNET, VAE
from model.engines.up2you.views.adapters import adapter_of
from model.engines.up2you.views.denoiser import CELL, VIEWS
from model.engines.up2you.views.generator import ViewGenerator
from model.engines.up2you.views.plain_views import PlainViews
from model.runtime.device import Device

_GRID = 37  # of the photos' features
_TEXT_TOKENS = 77


@dataclass(frozen=True)
class LoopShape:
    """Of one loop: how many photos it looks at, the side of pictures, and how many steps it takes."""

    photos: int
    pixels: int
    steps: int


class Loops:
    """Both ways, with the same weights on the same device."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.device, self.weights = device, weights
        self.plain = PlainAvatar(weights, device.torch_device, device.dtype)
        self.views = ViewGenerator(weights, device)
        self._runner = asyncio.Runner()

    @cached_property
    def exact(self) -> PlainAvatar:
        """The plain way in float32."""
        if self.device.dtype == torch.float32:
            return self.plain
        return PlainAvatar(self.weights, self.device.torch_device, torch.float32)

    def contests(self, shape: LoopShape) -> list[Contest]:
        """The RGB loop of so many photos, and the normal loop of six views."""
        generator = Generator().manual_seed(0)

        def random(*sizes: int) -> Tensor:
            return torch.rand(sizes, generator=generator)

        photos = random(shape.photos, 3, shape.pixels, shape.pixels)
        weight_maps = random(VIEWS, shape.photos, _GRID, _GRID)
        views, poses = (random(VIEWS, 3, shape.pixels, shape.pixels) for _ in range(2))
        of_views = LoopShape(VIEWS, shape.pixels, shape.steps)
        steps, guidance = shape.steps, GUIDANCE

        def plain_rgb(way: PlainAvatar) -> Work:
            return lambda i: way.rgb(photos, weight_maps, poses, seed=i, steps=steps, guidance=guidance)

        def plain_normals(way: PlainAvatar) -> Work:
            return lambda i: way.normals(views, poses, seed=i, steps=steps, guidance=guidance)

        def rgb(i: int) -> Tensor:
            chosen: Any = {"steps": steps, "guidance": guidance, "generator": seeded(i)}
            return self._run(lambda: self.views.rgb(photos, weight_maps, poses, **chosen))

        def normals(i: int) -> Tensor:
            chosen: Any = {"steps": steps, "guidance": guidance, "generator": seeded(i)}
            return self._run(lambda: self.views.normals(views, poses, **chosen))

        return [
            self._contest("the RGB loop", plain_rgb, rgb, lambda: loop_flops(self.weights, shape, PUBLISHED_RATIO)),
            self._contest("the normal loop", plain_normals, normals, lambda: loop_flops(self.weights, of_views, 1)),
        ]

    def _contest(
        self, what: str, plain: Callable[[PlainAvatar], Work], ours: Work, flops: Callable[[], tuple[int, int]]
    ) -> Contest:
        way = plain(self.plain)
        exact = way if self.exact is self.plain else plain(self.exact)
        return Contest(what, way, ours, exact, flops)

    def _run(self, work: Callable[[], Awaitable[Tensor]]) -> Tensor:
        async def alone() -> Tensor:
            async with self.device.live("avatar", 0):
                return await work()

        return self._runner.get_loop().run_until_complete(alone())

    def close(self) -> None:
        self._runner.close()
        self.device.close()


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def loop_flops(weights: Path, shape: LoopShape, ratio: float) -> tuple[int, int]:
    """Of a whole loop, the plain way and ours.

    What is done once, 3 % of a loop of 50 steps as published, is counted as the plain way does it.

    Args:
        ratio: of the tokens each view looks at to the tokens of one photo; there are no more than photos have.
    """
    unet, vae = without_memory(UNet2DConditionModel, weights / UNET), without_memory(AutoencoderKL, weights / VAE)
    step = step_flops(unet.config, int(min(ratio, shape.photos)), shape.pixels)
    with torch.device("meta"):
        adapter = adapter_of(unet)
        plain = PlainViews(unet, adapter, torch.empty(2, _TEXT_TOKENS, unet.config.cross_attention_dim))
        picture, cells = torch.empty(1, 3, shape.pixels, shape.pixels), shape.pixels // CELL
        photos = torch.empty(shape.photos, 4, cells, cells)
        poses = torch.empty(VIEWS, 3, shape.pixels, shape.pixels)
        once = shape.photos * counted(lambda: vae.encode(picture)) + VIEWS * counted(lambda: vae.decode(photos[:1]))
        once += counted(lambda: plain.reference_states(photos)) + counted(lambda: adapter.encoder(poses))
    return once + shape.steps * step["plain"], once + shape.steps * step["Atelier"]
