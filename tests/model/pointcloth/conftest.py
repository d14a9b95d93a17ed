"""A tiny draping network that has learned nothing, for the built-in body, and a photo with somebody in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from model.body.smplx import read_body
from model.engines.pointcloth.body import clothed_vertices, spread_samples
from model.engines.pointcloth.drape.network import DrapeSizes, DrapingNetwork
from model.engines.pointcloth.files import BODIES, BODY_POINTS, CODES, DRAPING
from model.weights.pack import DEMO

PHOTO = (96, 128)  # width, height
FOCAL = 700.0


def write_weights(folder: Path) -> Path:
    """A MODEL_DIR."""
    torch.manual_seed(1)
    network = DrapingNetwork(DrapeSizes((8, 8), 8, ((2, 8, 4), (3, 4, 4), (2, 4, 3))))
    with torch.no_grad():
        network.get_parameter("final.3.weight").mul_(0.8)
    (folder / DRAPING).parent.mkdir(parents=True)
    save_file(network.state_dict(), folder / DRAPING)
    shutil.copyfile(DEMO / BODIES[1], folder / BODIES[0])
    model = read_body(folder / BODIES[0])
    clothed = clothed_vertices(model)
    root = np.zeros(3, np.float32)
    np.savez(folder / BODY_POINTS, clothed=clothed, samples=spread_samples(model, clothed, 64), root=root, together=32)
    rng = np.random.default_rng(3)
    codes = {name: rng.normal(size=8).astype(np.float32) / 4 for name in ("t-shirt", "dress")}
    np.savez(folder / CODES, allow_pickle=False, **codes)
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("pointcloth") / "weights")


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A grey photo with a mask on its middle, and a body that stands there."""
    folder = tmp_path_factory.mktemp("person")
    width, height = PHOTO
    photo, mask = Image.new("RGB", PHOTO, (120, 90, 60)), np.zeros((height, width), np.uint8)
    mask[30:70, 30:66] = 255
    photo.save(folder / "photo.png")
    Image.fromarray(mask).save(folder / "mask.png")
    (folder / "body.json").write_text(json.dumps({"betas": [0.5], "translation": [0, 0.1, 12.0], "pose": {}}))
    pose = {"left_shoulder": [0, 0, -1.0], "right_shoulder": [0, 0, 1.0]}
    facing = {"pelvis": [3.14159, 0, 0]}
    (folder / "other.json").write_text(
        json.dumps({"betas": [-0.5], "translation": [0, 0.1, 12.0], "pose": pose | facing})
    )
    return {file.stem: file for file in folder.iterdir()}
