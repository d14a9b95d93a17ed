"""Fixtures for the try-on: its tiny reference networks on the CPU, sample files, one event loop."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model.catvton.engine import TryOn
from model.device import open_device

DATA = Path(__file__).parent.parent / "data/catvton"
# Many more runs of the same code than fit into the repository. Not everybody has them.
GOLDEN = Path(__file__).parents[2].parent / "shared/golden/catvton"


@pytest.fixture
def golden() -> Path:
    if not GOLDEN.is_dir():
        pytest.skip("the reference data is not here")
    return GOLDEN


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all tests, because a device lives on one."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def tryon(runner: asyncio.Runner) -> Iterator[TryOn]:
    torch.set_num_threads(1)
    device = open_device("cpu")
    yield TryOn(DATA / "weights", device)
    device.close()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the reference networks, to be spoilt."""
    return Path(shutil.copytree(DATA / "weights", tmp_path / "weights"))
