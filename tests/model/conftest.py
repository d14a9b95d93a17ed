"""Fixtures for the try-on: its tiny reference networks on the CPU, sample files, one event loop."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from model.engines.catvton.engine import CatVTON
from model.weights.layout import tensor_file
from tests.model.devices import cpu_device
from tests.model.tryon.labelled import write_networks

DATA = Path(__file__).parent.parent / "data/catvton"
# Many more runs of the same code than fit into the repository. Not everybody has them.
GOLDEN = Path(__file__).parents[2].parent / "shared/golden/catvton"
GOLDEN_MASKFREE = GOLDEN.with_name("catvton_maskfree")


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
def tryon(runner: asyncio.Runner) -> Iterator[CatVTON]:
    with cpu_device() as device:
        yield CatVTON(DATA / "weights", device)


@pytest.fixture(scope="session")
def both(runner: asyncio.Runner) -> Iterator[CatVTON]:
    """Both variants, as the reference data has them."""
    if not GOLDEN_MASKFREE.is_dir():
        pytest.skip("the reference data is not here")
    with cpu_device() as device:
        yield CatVTON(GOLDEN.parent, device)


@pytest.fixture(scope="session")
def maskfree_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack with only the mask-free variant: the reference networks without the mask's input channel."""
    folder = tmp_path_factory.mktemp("maskfree")
    variant = Path(shutil.copytree(DATA / "weights/catvton", folder / "catvton_maskfree"))
    config, file = variant / "base/unet/config.json", tensor_file(variant / "base/unet")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"in_channels": 8}))
    tensors = load_file(file)
    tensors["conv_in.weight"] = tensors["conv_in.weight"][:, [0, 1, 2, 3, 5, 6, 7, 8]].contiguous()
    save_file(tensors, file)
    return folder


@pytest.fixture(scope="session")
def maskfree(runner: asyncio.Runner, maskfree_weights: Path) -> Iterator[CatVTON]:
    with cpu_device() as device:
        yield CatVTON(maskfree_weights, device)


@pytest.fixture(scope="session")
def masking_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference networks, and three that know the colours of `draw_labelled`. Not to be spoilt."""
    folder = Path(shutil.copytree(DATA / "weights", tmp_path_factory.mktemp("masking") / "weights"))
    write_networks(folder)
    return folder


@pytest.fixture(scope="session")
def masking(runner: asyncio.Runner, masking_weights: Path) -> Iterator[CatVTON]:
    with cpu_device() as device:
        yield CatVTON(masking_weights, device)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the reference networks, to be spoilt."""
    return Path(shutil.copytree(DATA / "weights", tmp_path / "weights"))
