"""The engine with the tiny networks that the published code was run with, where that reference data is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model.engines.ootdiffusion.engine import OOTDiffusion
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from tests.model.ootdiffusion.recorded import GOLDEN


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MODEL_DIR of them."""
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    folder = tmp_path_factory.mktemp("ootdiffusion")
    (folder / "ootdiffusion").symlink_to(GOLDEN / "checkpoints")
    return folder


@pytest.fixture(scope="session")
def engine(weights: Path, runner: asyncio.Runner) -> Iterator[OOTDiffusion]:
    torch.set_num_threads(1)
    device = Device(torch.device("cpu"), config=DeviceConfig(garment_cache_bytes=2**26))
    yield OOTDiffusion(weights, device)
    device.close()
