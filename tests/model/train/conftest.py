"""A trained, useless autoencoder and the data set it saw, made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from model.train.loop import train
from tests.model.train.small import autoencoder, data_set


@pytest.fixture(autouse=True)
def fresh_accelerate() -> Iterator[None]:
    """Accelerate keeps a process's precision for ever."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data`, `start` with an autoencoder, its `logs` and `checkpoints`. Not to be spoilt."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    data_set(folder / "data")
    AcceleratorState._reset_state(reset_partial_state=True)
    train(autoencoder(folder, out=str(folder / "start"), picture_steps=2, ema=0.5, edges=0.5, mse=1.0))
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    """`data` and `start` in a folder of its own."""
    for name in ("data", "start"):
        shutil.copytree(trained / name, tmp_path / name)
    return tmp_path
