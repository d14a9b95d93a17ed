"""The parser as a file: what onnxruntime makes of it is what torch made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from model.errors import InputError
from model.perception.parsing import Parsing
from model.train.parsing.export import NetworkInterface, as_written, write_onnx
from model.train.parsing.network import HEIGHT, STRIDE, WIDTH, ParsingNetwork, levels_of, normal


@pytest.fixture(scope="module")
def parser() -> ParsingNetwork:
    """Random, with statistics as if it had been trained."""
    torch.manual_seed(0)
    parser = ParsingNetwork([25, 20, 18])
    for module in parser.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return parser.eval()


def noise() -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return Image.fromarray(levels)


def interface(classes: int) -> NetworkInterface:
    logits = {"logits": [1, classes, HEIGHT // STRIDE, WIDTH // STRIDE]}
    return NetworkInterface((WIDTH, HEIGHT), logits, {"geometry": "stretch"})


@torch.no_grad()
def test_a_written_head_answers_like_the_network(parser: ParsingNetwork, tmp_path: Path) -> None:
    write_onnx(parser.alone(1), interface(20), tmp_path / "perception/lip.onnx")
    picture = noise()
    tensor = normal(torch.from_numpy(np.asarray(picture).copy())[None])
    found = Parsing(tmp_path / "perception/lip.onnx", 20).network.run(np.asarray(picture))
    np.testing.assert_allclose(found, as_written(parser.alone(1))(tensor)[0], atol=1e-4)
    trained = parser(tensor)[1][0]
    assert np.abs(found - trained.numpy()).max() < 0.01 * float(trained.std())  # float16 weights


def test_a_written_head_is_a_small_file_that_can_be_served(parser: ParsingNetwork, tmp_path: Path) -> None:
    write_onnx(parser.alone(0), interface(25), tmp_path / "densepose.onnx")
    assert (tmp_path / "densepose.onnx").stat().st_size < 2.2e6
    labels = Parsing(tmp_path / "densepose.onnx", 25).labels(noise().resize((50, 90)))
    assert labels.shape == (90, 50)


def test_writing_leaves_the_network_as_it_was(parser: ParsingNetwork, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in parser.state_dict().items()}
    write_onnx(parser.alone(0), interface(25), tmp_path / "densepose.onnx")
    assert all(torch.equal(tensor, before[name]) for name, tensor in parser.state_dict().items())


@pytest.mark.parametrize(("layer", "said"), [(nn.GELU(), "layer GELU"), (nn.Flatten(), "layer Flatten")])
def test_what_cannot_be_written_is_named(layer: nn.Module, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        write_onnx(nn.Sequential(nn.Conv2d(3, 4, 3), layer), interface(4), tmp_path / "network.onnx")


def test_pictures_become_input_as_the_file_says(parser: ParsingNetwork, tmp_path: Path) -> None:
    write_onnx(parser.alone(2), interface(18), tmp_path / "atr.onnx")
    preparation = Parsing(tmp_path / "atr.onnx", 18).network.profile
    assert (preparation.geometry, preparation.channel_order) == ("stretch", "RGB")
    levels = torch.tensor([0, 51, 255], dtype=torch.uint8).expand(1, 2, 4, 3)
    expected = (np.array([0, 51, 255]) / 255 - preparation.mean) / preparation.std
    np.testing.assert_allclose(normal(levels)[0, :, 1, 2], expected, atol=1e-6)
    assert np.abs(levels_of(normal(levels)).astype(int) - levels.numpy()).max() <= 1
