"""DensePose's network: its keys, its operators against slow forms and recorded numbers, and labels pasted back."""

from __future__ import annotations

import io
import math
import os
import pickle
from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from model.errors import WeightsError
from model.perception.densepose.boxes import clipped, looked_into, shifted, without_doubles, without_doubles_by_group
from model.perception.densepose.network import DensePose, network_input, pasted, read_densepose
from model.perception.densepose.proposals import anchors
from model.perception.densepose.published import convert
from model.perception.label_maps import open_parser
from tests.server import ROOT

RECORDED = ROOT / "tests/data/perception/box_operators.npz"  # made with torchvision 0.29.1 by `record_box_operators`


def test_the_keys_are_the_published_ones() -> None:
    """335 tensors; the published pickle is 48.5 kB longer."""
    with torch.device("meta"):
        weights = DensePose().state_dict()
    assert len(weights) == 335
    assert sum(tensor.nbytes for tensor in weights.values()) == 255_709_320
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    assert shapes["backbone.bottom_up.res4.0.shortcut.weight"] == (1024, 512, 1, 1)
    assert shapes["backbone.bottom_up.stem.conv1.norm.running_var"] == (64,)
    assert shapes["roi_heads.decoder.p5.4.weight"] == (256, 256, 3, 3)
    assert shapes["roi_heads.densepose_predictor.v_lowres.weight"] == (512, 25, 4, 4)
    assert shapes["proposal_generator.rpn_head.anchor_deltas.bias"] == (12,)


def random_boxes(count: int, width: float, height: float, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand((count, 2), generator=rng) * torch.tensor([width, height]) - 4
    return torch.cat(
        [corner, corner + torch.rand((count, 2), generator=rng) * torch.tensor([width, height]) / 2], dim=1
    )


def plainly_looked_into(features: Tensor, box: Tensor, scale: float, side: int, samples: int) -> Tensor:
    """One box, point by point."""
    left, top, right, bottom = (float(value) * scale for value in box)
    across, down = max(right - left, 1) / side, max(bottom - top, 1) / side
    out = torch.zeros((len(features), side, side))
    for row in range(side):
        for column in range(side):
            for i in range(samples):
                for j in range(samples):
                    y = top + (row + (i + 0.5) / samples) * down
                    x = left + (column + (j + 0.5) / samples) * across
                    out[:, row, column] += bilinear(features, x, y) / samples**2
    return out


def bilinear(features: Tensor, x: float, y: float) -> Tensor:
    height, width = features.shape[-2:]
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(len(features))
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    x0, y0 = math.floor(x), math.floor(y)
    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
    above = features[:, y0, x0] * (1 - (x - x0)) + features[:, y0, x1] * (x - x0)
    below = features[:, y1, x0] * (1 - (x - x0)) + features[:, y1, x1] * (x - x0)
    return above * (1 - (y - y0)) + below * (y - y0)


@pytest.mark.parametrize(("side", "scale"), [(7, 0.25), (4, 1.0)])
def test_boxes_are_looked_into_as_point_by_point(side: int, scale: float) -> None:
    features = torch.randn((3, 20, 26), generator=torch.Generator().manual_seed(1))
    boxes = random_boxes(12, 26 / scale, 20 / scale)
    found = looked_into(features, boxes, scale, side, 2)
    for box, look in zip(boxes, found, strict=True):
        torch.testing.assert_close(look, plainly_looked_into(features, box, scale, side, 2), atol=1e-5, rtol=1e-5)


def test_operators_give_the_recorded_numbers() -> None:
    recorded = {name: torch.from_numpy(array) for name, array in np.load(RECORDED).items()}
    looks = looked_into(recorded["features"], recorded["boxes"], 0.25, 7, 2)
    torch.testing.assert_close(looks, recorded["roi_align"], atol=1e-5, rtol=1e-5)
    boxes, scores = recorded["many_boxes"], recorded["scores"]
    for overlap in (0.5, 0.7):
        assert without_doubles(boxes, scores, overlap).tolist() == recorded[f"nms_{overlap}"].tolist()


def record_box_operators() -> None:
    """Run by hand where torchvision is installed."""
    ops: Any = import_module("torchvision.ops")

    features = torch.randn((2, 16, 20), generator=torch.Generator().manual_seed(2))
    boxes, many = random_boxes(9, 80, 64, seed=3), random_boxes(120, 60, 60, seed=4)
    scores = torch.rand(120, generator=torch.Generator().manual_seed(5))
    aligned = ops.roi_align(features[None], [boxes], 7, 0.25, 2, aligned=False)
    kept = {f"nms_{overlap}": ops.nms(many, scores, overlap) for overlap in (0.5, 0.7)}
    tensors = {"features": features, "boxes": boxes, "roi_align": aligned, "many_boxes": many, "scores": scores, **kept}
    np.savez_compressed(RECORDED, **{name: tensor.numpy() for name, tensor in tensors.items()})


def test_boxes_of_different_groups_do_not_hide_each_other() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10]])
    scores, groups = torch.tensor([0.5, 0.9, 0.7]), torch.tensor([0, 0, 1])
    assert without_doubles_by_group(boxes, scores, groups, 0.5).tolist() == [1, 2]
    none = torch.zeros((0, 4))
    assert without_doubles_by_group(none, torch.zeros(0), torch.zeros(0), 0.5).tolist() == []


def test_boxes_are_shifted_by_shares_of_their_size() -> None:
    box = torch.tensor([[10.0, 20, 30, 60]])
    moved = shifted(box, torch.tensor([[1.0, -1.0, math.log(2) * 5, 1000.0]]), (10, 10, 5, 5))
    assert moved[0, 0].item() == pytest.approx(22 - 20)
    assert moved[0, 2].item() == pytest.approx(22 + 20)
    assert (moved[0, 3] - moved[0, 1]).item() == pytest.approx(40 * 1000 / 16, rel=1e-5)
    assert clipped(moved, 50, 40).tolist() == [[2, 0, 40, 50]]


def test_anchors_stand_around_every_place() -> None:
    found = anchors(1, torch.zeros((1, 256, 2, 3)))
    assert found.shape == (2 * 3 * 3, 4)
    np.testing.assert_allclose(found[1], (-32, -32, 32, 32), atol=1e-4)  # the square one at (0, 0)
    np.testing.assert_allclose((found[3 * 3 + 1, :2] + found[3 * 3 + 1, 2:]) / 2, (0, 8), atol=1e-4)
    tall = found[2]
    assert (tall[3] - tall[1]) / (tall[2] - tall[0]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("size", "seen"), [((600, 800), (800, 1067)), ((300, 1200), (333, 1333)), ((1000, 500), (1333, 667))]
)
def test_a_photo_is_seen_with_a_short_side_of_800_at_most_1333_long(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    tensor, height, width = network_input(Image.new("RGB", size, (10, 20, 30)))
    assert (width, height) == seen
    assert tensor.shape[2] % 32 == tensor.shape[3] % 32 == 0
    np.testing.assert_allclose(tensor[0, :, 0, 0], (30 - 103.53, 20 - 116.28, 10 - 123.675), atol=1e-4)
    assert (tensor[0, :, height:] == 0).all()


def test_parts_are_pasted_where_somebody_is() -> None:
    coarse, fine = torch.full((2, 8, 8), -1.0), torch.zeros((25, 8, 8))
    coarse[0], coarse[1, :, :4] = 0, 1  # somebody in the left half
    fine[7, :4], fine[9, 4:] = 5, 5
    labels = pasted(coarse, fine, torch.tensor([10.9, 4.2, 30.9, 44.2]), (40, 60))
    assert labels.shape == (60, 40)
    assert set(np.unique(labels)) == {0, 7, 9}
    assert (labels[6:22, 11:18] == 7).all()
    assert (labels[26:42, 11:18] == 9).all()
    assert not labels[:, 22:].any()
    assert not labels[:4].any()


class Harmful:
    def __reduce__(self) -> Any:
        return os.getcwd, ()


def pickled(content: object, file: Path) -> Path:
    file.write_bytes(pickle.dumps(content))
    return file


def test_the_pickle_becomes_safetensors_and_loads_strictly(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(3)
    weights = DensePose().state_dict()
    for name, tensor in weights.items():
        if name.endswith("cls_score.bias"):
            tensor.copy_(torch.tensor([30.0, 0.0]))  # everybody is a person
        elif tensor.ndim == 4:
            tensor.normal_(0, (1 / tensor[0].numel()) ** 0.5, generator=generator)
    arrays: OrderedDict[str, np.ndarray] = OrderedDict((name, tensor.numpy()) for name, tensor in weights.items())
    beside = {
        "pixel_mean": np.zeros(3),
        "proposal_generator.anchor_generator.cell_anchors.0": np.zeros((3, 4)),
        "backbone.bottom_up.stem.conv1.norm.num_batches_tracked": np.array(1),
    }
    file = pickled({"model": OrderedDict({**arrays, **beside}), "__author__": "nobody"}, tmp_path / "model_final.pkl")
    convert(file, tmp_path / "perception/densepose.safetensors")
    network = open_parser(tmp_path / "perception/densepose.safetensors", 25)
    assert isinstance(network, DensePose)
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    labels = network.labels(picture)
    assert labels.shape == (60, 90)
    assert labels.dtype == np.uint8
    assert labels.any()
    np.testing.assert_array_equal(labels, network.labels(picture))


@pytest.mark.parametrize("content", [{"model": Harmful()}, {"model": {"a": io.BytesIO}}, {"weights": {}}, 3])
def test_a_pickle_that_asks_for_more_than_arrays_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(WeightsError, match=r"model\.pkl: cannot be read as a checkpoint of arrays"):
        convert(pickled(content, tmp_path / "model.pkl"), tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_file_that_lacks_tensors_is_refused(tmp_path: Path) -> None:
    save_file({"backbone.fpn_lateral2.bias": torch.zeros(256)}, tmp_path / "densepose.safetensors")
    with pytest.raises(WeightsError, match=r"densepose\.safetensors: is not DensePose's network"):
        read_densepose(tmp_path / "densepose.safetensors")
