"""Decoding in tiles: nearly the same picture, and only when memory asks for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from model.diffusion.autoencoder import LatentDecoder, TiledDecoder
from model.engines.catvton import checkpoint
from model.engines.catvton.engine import CatVTON
from model.runtime.device import Device
from model.weights.pack import DEMO
from tests.model.catvton.test_tryon import Studio
from tests.model.conftest import DATA


def test_tiles_are_nearly_the_whole_and_a_single_tile_is_exactly_that() -> None:
    vae = checkpoint.vae(DEMO).load(torch.device("cpu"), torch.float32)
    latents = torch.randn((1, 12, 24, 20), generator=Generator().manual_seed(0))
    with torch.no_grad():
        whole = LatentDecoder(vae)(latents)
        assert torch.equal(TiledDecoder(vae, side=32)(latents), whole)
        tiled = TiledDecoder(vae, side=16)(latents)
    assert tiled.shape == whole.shape
    difference = (tiled - whole).abs()
    assert 0 < difference.mean() < 0.05 * whole.std()


def full(*unused: Any) -> None:
    raise torch.OutOfMemoryError("the card is full")


@pytest.mark.parametrize("short", [False, True])
def test_a_job_is_told_once_that_its_result_was_decoded_in_tiles(
    runner: asyncio.Runner, tmp_path: Path, short: bool
) -> None:
    device = Device(torch.device("cpu"))
    tryon = CatVTON(DATA / "weights", device)
    if short:
        tryon.networks["mask"].decoder.module.register_forward_pre_hook(full)
    studio = Studio(tryon, runner, tmp_path)
    assert len(studio.dress(samples=2, steps=1)) == 2
    assert [warning["code"] for warning in studio.job.warnings] == (["decoded_in_tiles"] if short else [])
    device.close()
