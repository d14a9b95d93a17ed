"""The networks as ONNX, asked by onnxruntime and by the example that has nothing but numpy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from model.__main__ import main
from model.engines.warp.checkpoint import network
from model.engines.warp.inputs import HEIGHT, WIDTH, Inputs, inputs
from model.engines.warp.network import Fields, WarpNetwork, composed
from model.engines.warp.onnx_export import INPUTS, OUTPUTS
from tests.server import ROOT

EXAMPLE = ROOT / "docs/examples/warp_with_numpy.py"


@pytest.fixture(scope="module")
def file(warp_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("onnx") / "warp.onnx"
    assert main(["onnx", str(written), "--model-dir", str(warp_weights)]) == 0
    return written


@pytest.fixture(scope="module")
def torchs(warp_weights: Path) -> WarpNetwork:
    return network(warp_weights).load(torch.device("cpu"), torch.float32)


def somebody(rows: int) -> dict[str, Any]:
    """Pictures and labels as `inputs` takes them."""
    rng = np.random.default_rng(3)
    mask = np.zeros((rows, 1, HEIGHT, WIDTH), np.float32)
    mask[..., 30:90, 20:70] = 1
    atr = rng.integers(0, 18, (rows, HEIGHT, WIDTH))
    hole = (np.isin(atr, (4, 7, 17))[:, None] & (mask > 0)).astype(np.float32)
    alpha = np.zeros_like(mask)
    alpha[..., 10:110, 10:80] = 1
    pictures = {name: rng.uniform(-1, 1, (rows, 3, HEIGHT, WIDTH)).astype(np.float32) for name in ("photo", "garment")}
    densepose = rng.integers(0, 25, (rows, HEIGHT, WIDTH))
    planes = {**pictures, "atr": atr, "densepose": densepose, "mask": mask, "hole": hole, "alpha": alpha}
    return {name: torch.from_numpy(plane) for name, plane in planes.items()} | {"place": torch.zeros(rows).long()}


def test_onnxruntime_answers_as_torch_does_for_any_number_of_rows(file: Path, torchs: WarpNetwork) -> None:
    session = onnxruntime.InferenceSession(file)
    for rows in (1, 3):
        seen: Inputs = inputs(**somebody(rows))
        answers = session.run(list(OUTPUTS), {name: plane.numpy() for name, plane in zip(INPUTS, seen, strict=True)})
        with torch.inference_mode():
            fields = torchs.see(seen)
        for name, answer in zip(OUTPUTS, answers, strict=True):
            assert np.abs(answer - getattr(fields, name).numpy()).max() < 1e-4, name


def test_the_example_with_numpy_alone_makes_the_same_picture(file: Path, torchs: WarpNetwork) -> None:
    given = somebody(1)
    seen = inputs(**given)
    with torch.inference_mode():
        fields: Fields = torchs.see(seen)
        wanted = composed(fields, given["photo"], given["hole"], given["mask"], seen.garment)[0].numpy()
    example = run_path(str(EXAMPLE))
    one = {name: plane[0].numpy() for name, plane in given.items()}
    found = example["dressed"](
        onnxruntime.InferenceSession(file),
        *(one["photo"], one["atr"], one["densepose"], one["mask"][0], one["garment"], one["alpha"][0]),
    )
    assert np.abs(found - wanted).max() < 1e-3


def test_the_example_runs_as_it_says(file: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in {
        "person": (160, 120, 3),
        "atr": (160, 120),
        "densepose": (160, 120),
        "mask": (160, 120),
    }.items():
        Image.fromarray(rng.integers(0, 18, shape, np.uint8) * (15 if name == "mask" else 1)).save(
            tmp_path / f"{name}.png"
        )
    Image.fromarray(rng.integers(0, 256, (90, 70, 4), np.uint8)).save(tmp_path / "garment.png")
    names = ("person", "atr", "densepose", "mask", "garment", "result")
    words = [str(EXAMPLE), str(file), *(str(tmp_path / f"{name}.png") for name in names)]
    subprocess.run([sys.executable, *words], check=True, timeout=180)
    with Image.open(tmp_path / "result.png") as result:
        assert result.size == (WIDTH, HEIGHT)
