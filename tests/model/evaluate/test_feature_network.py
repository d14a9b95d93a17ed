"""Feature networks from files of the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from model.errors import InputError, WeightsError
from model.evaluate.feature_network import SIDE, FeatureNetwork, prepared
from tests.model.evaluate.feature_files import Means, Published, write_onnx, write_script
from tests.model.tryon.drawing import noise, saved

CPU = torch.device("cpu")


def test_pictures_are_prepared_in_floating_point() -> None:
    picture = noise(4, 6).resize((40, 60), Image.Resampling.BILINEAR)
    levels = prepared(picture)
    assert levels.shape == (3, SIDE, SIDE)
    eight_bits = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32).transpose(2, 0, 1)
    assert 0 < np.abs(levels.numpy() - eight_bits).max() < 1.5  # it rounds after each of two passes
    assert levels.min() >= 0
    assert levels.max() <= 255


def test_onnx_and_torchscript_see_levels(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (20, 30), (i, 2 * i, 255)) for i in range(35)]
    expected = torch.tensor([[i, 2 * i, 255] for i in range(35)]).float()
    seen = FeatureNetwork(write_onnx(tmp_path / "means.onnx"), CPU).of_pictures(pictures)
    torch.testing.assert_close(seen, expected)
    scripted = FeatureNetwork(write_script(tmp_path / "means.pt", Means()), CPU).of_pictures(pictures)
    torch.testing.assert_close(scripted, torch.cat([expected, expected], 1))


def test_the_published_kind_of_file_sees_its_own_range(tmp_path: Path) -> None:
    network = FeatureNetwork(write_script(tmp_path / "published.pt", Published()), CPU)
    levels = torch.full((2, 3, SIDE, SIDE), 192.0)
    torch.testing.assert_close(network(levels), torch.full((2, 3), 0.5))


def test_files_that_are_no_feature_network_are_named(tmp_path: Path) -> None:
    picture = saved(noise(20, 20), tmp_path / "picture.pt", format="PNG")
    for file in (picture, tmp_path / "absent.pt", tmp_path / "absent.onnx"):
        with pytest.raises(WeightsError, match=file.name):
            FeatureNetwork(file, CPU)
    network = FeatureNetwork(write_script(tmp_path / "maps.pt", nn.AvgPool2d(SIDE)), CPU)
    with pytest.raises(WeightsError, match=r"maps.pt gives \(2, 3, 1, 1\) for 2 pictures"):
        network(torch.zeros(2, 3, SIDE, SIDE))


def test_nothing_to_look_at_is_refused(tmp_path: Path) -> None:
    network = FeatureNetwork(write_onnx(tmp_path / "means.onnx"), CPU)
    with pytest.raises(InputError, match="no picture"):
        network.of_pictures([])
