"""Networks of the two diffusion stages for tests: random ones, and those of the reference data."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor

from model.engines.up2you.files import UNET
from model.engines.up2you.views.adapters import Adapter, ViewStage, adapter_of
from model.engines.up2you.views.weights import ADAPTERS
from tests.model.up2you.goldens import FOLDER

PUBLISHED_UNET: dict[str, Any] = {
    "block_out_channels": (320, 640, 1280, 1280),
    "attention_head_dim": (5, 10, 20, 20),  # the number of heads
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SMALL_UNET: dict[str, Any] = {
    "block_out_channels": (16, 24, 24, 24),
    "attention_head_dim": (2, 3, 3, 3),
    "cross_attention_dim": 12,
    "use_linear_projection": True,
    "norm_num_groups": 8,
}


def random_networks(seed: int = 0) -> tuple[Any, Adapter]:
    """A UNet of four narrow levels and an adapter for it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # the networks draw their own weights
        unet = UNet2DConditionModel(**SMALL_UNET).eval().requires_grad_(False)
        return unet, adapter_of(unet).eval().requires_grad_(False)


def random_tensors(generator: Generator, *shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(shape, generator=generator) for shape in shapes]


def reference_weights(folder: Path) -> Path:
    """The reference data's networks in the published layout."""
    if not FOLDER.is_dir():
        pytest.skip("the reference data is not here")
    base = (folder / UNET).parent
    base.parent.mkdir(parents=True)
    base.symlink_to(FOLDER / "tiny_sd")
    stages: tuple[ViewStage, ...] = ("rgb", "normals")
    for stage in stages:
        file = folder / ADAPTERS[stage]
        file.parent.mkdir(exist_ok=True)
        file.symlink_to(FOLDER / file.name)
    return folder


def residual_shapes(unet: Any, rows: int, side: int) -> list[tuple[int, ...]]:
    sides = itertools.accumulate(range(3), lambda size, _: -(-size // 2), initial=side)
    return [(rows, c, size, size) for c, size in zip(unet.config.block_out_channels, sides, strict=True)]
