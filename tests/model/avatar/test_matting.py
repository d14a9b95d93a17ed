"""Mattes: the published arithmetic, files of the operator's, and the light model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image, ImageDraw

from model.errors import WeightsError
from model.perception.matting import (
    LightMatting,
    OnnxMatting,
    alpha_from_logits,
    light_model,
    open_matting,
)
from model.perception.onnx_file import network_input, resized
from model.perception.profile import Profile
from tests.model.avatar.matte_network import write_matting
from tests.model.up2you.goldens import SHARED, golden


def red_square() -> Image.Image:
    picture = Image.new("RGB", (60, 90), (20, 60, 60))
    ImageDraw.Draw(picture).rectangle((20, 30, 39, 69), fill=(250, 10, 10))
    return picture


def test_the_published_arithmetic() -> None:
    reference = golden("segment")
    photo = Image.fromarray(reference["image"].numpy())
    seen = network_input(resized(photo, (1024, 1024), "bilinear"), Profile())
    np.testing.assert_allclose(seen[0, :, ::16, ::16], reference["net_input_sub16"], atol=1e-5)
    alpha = np.asarray(alpha_from_logits(3 * seen[0].mean(0), photo.size), dtype=int)
    assert abs(alpha - reference["rgba"][..., 3].numpy()).max() <= 1


@pytest.mark.parametrize("side", [1024, "side"])
def test_a_file_of_the_published_size_gives_the_published_matte(tmp_path: Path, side: int | str) -> None:
    reference = golden("segment")
    photo = Image.fromarray(reference["image"].numpy())
    matting = OnnxMatting(write_matting(tmp_path / "matting.onnx", (1, 1, 1), 0, side=side))
    alpha = np.asarray(matting.alpha(photo), dtype=int)
    assert abs(alpha - reference["rgba"][..., 3].numpy()).max() <= 1


@pytest.mark.parametrize("stride", [1, 4])
def test_the_matte_lies_where_the_person_does(tmp_path: Path, stride: int) -> None:
    photo = red_square()
    alpha = OnnxMatting(write_matting(tmp_path / "matting.onnx", stride=stride)).alpha(photo)
    assert (alpha.size, alpha.mode) == (photo.size, "L")
    levels = np.asarray(alpha)
    assert levels[36:64, 24:36].min() > 250
    assert levels[:24].max() < 6
    assert levels[:, 46:].max() < 6


def test_mean_and_deviation_are_the_files_if_it_names_them(tmp_path: Path) -> None:
    grey = Image.new("RGB", (8, 8), (128, 128, 128))
    plain = OnnxMatting(write_matting(tmp_path / "plain.onnx", (1, 1, 1), 0))
    named = {"mean": "1, 1, 1", "std": "0.1, 0.1, 0.1"}
    other = OnnxMatting(write_matting(tmp_path / "other.onnx", (1, 1, 1), 0, metadata=named))
    logit = ((128 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]).sum()
    assert plain.alpha(grey).getpixel((4, 4)) == int(255 / (1 + np.exp(-logit)))
    assert other.alpha(grey).getextrema() == (0, 0)


def test_levels_are_cut_off_and_large_logits_do_no_harm() -> None:
    logits = np.array([[-1e4, 0.0, 1e4]], np.float32)
    assert np.asarray(alpha_from_logits(logits, (3, 1))).tolist() == [[0, 127, 255]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"inputs": 2}, r"the input is tensor\(float\) \[1, 2, 64, 64\], expected one float tensor \[1, 3, H, W\]"),
        ({"dtype": TensorProto.FLOAT16}, r"the input is tensor\(float16\)"),
        ({"outputs": 2}, r"the output is \[1, 2, 64, 64\], expected \[1, 1, h, w\]"),
        ({"metadata": {"std": "1, 0, 1"}}, "metadata std.1: Input should be greater than 0"),
        ({"metadata": {"mean": "red"}}, "metadata mean"),
    ],
)
def test_a_file_that_is_no_matting_network_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    file = write_matting(tmp_path / "matting.onnx", **options)
    with pytest.raises(WeightsError, match=rf"matting\.onnx: .*{said}"):
        OnnxMatting(file)


def test_the_operators_file_comes_before_the_light_model(tmp_path: Path) -> None:
    file = tmp_path / "matting.onnx"
    without = open_matting(file)
    assert isinstance(without, LightMatting) == (light_model() is not None)
    assert isinstance(open_matting(write_matting(file)), OnnxMatting)
    file.write_bytes(b"not a network")
    with pytest.raises(WeightsError, match=r"matting\.onnx: "):
        open_matting(file)


@pytest.mark.parametrize(("name", "head", "wall"), [("04", (480, 600), (60, 60)), ("08", (480, 250), (900, 1200))])
def test_the_light_model_finds_a_person(name: str, head: tuple[int, int], wall: tuple[int, int]) -> None:
    file, photo = light_model(), SHARED / f"photos/avatar/{name}.jpg"
    if file is None or not photo.is_file():
        pytest.skip("needs mediapipe and a photo")
    with Image.open(photo) as opened:
        alpha = LightMatting(file).alpha(opened.convert("RGB"))
    assert alpha.size == (960, 1280)
    levels = np.asarray(alpha)
    assert levels[head[1], head[0]] > 240
    assert levels[wall[1], wall[0]] < 16
    assert 0.1 < (levels > 127).mean() < 0.4
