"""Weights of the engine's networks as they are before any training, and photos of somebody made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model.engines.template.engine import Template
from model.engines.template.files import BODY, ERRORS, OUTFIT_NETWORK, PLACE_NETWORK
from model.engines.template.outfit import OutfitNetwork
from model.engines.template.place_network import PlaceNetwork
from model.engines.up2you.files import BODY as BUILT_IN_BODY
from model.runtime.device import Device
from model.synthetic.datasets.loose_photos import loose_photos
from model.weights.pack import DEMO
from tests.model.devices import cpu_device

ERRORS_OF_SHAPE = {"height": 0.05, "waist": 0.04}


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_weights(tmp_path_factory.mktemp("weights"))


def untrained_weights(folder: Path) -> Path:
    torch.manual_seed(0)
    (folder / "template").mkdir(parents=True)
    networks: dict[str, nn.Module] = {PLACE_NETWORK: PlaceNetwork(), OUTFIT_NETWORK: OutfitNetwork()}
    for name, network in networks.items():
        save_file(network.state_dict(), folder / name)
    shutil.copyfile(DEMO / BUILT_IN_BODY, folder / BODY)
    (folder / ERRORS).write_text(json.dumps(ERRORS_OF_SHAPE))
    return folder


@pytest.fixture(scope="session")
def device() -> Iterator[Device]:
    with cpu_device() as device:
        yield device


@pytest.fixture(scope="session")
def engine(weights: Path, device: Device) -> Template:
    return Template(weights, device)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two, cut out already."""
    folder = tmp_path_factory.mktemp("photos")
    files = {f"photos.{i}": folder / f"{i}.png" for i in range(2)}
    for file, photo in zip(files.values(), loose_photos(5, 2, 96, 128), strict=True):
        photo.save(file)
    return files
