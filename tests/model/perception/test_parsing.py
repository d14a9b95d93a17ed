"""One labelling network: its file says how a photo becomes its input, and its answer lies on the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

from model.errors import WeightsError
from model.perception.parsing import Parsing, most_likely, to_square
from tests.model.tryon.labelled import LIP, SHIRT, TROUSERS, WALL, draw_labelled, where, write_network


@pytest.mark.parametrize("options", [{}, {"geometry": "stretch", "size": (128, 96)}])
@pytest.mark.parametrize("channel_order", ["RGB", "BGR"])
def test_every_pixel_gets_the_name_of_its_colour(tmp_path: Path, channel_order: str, options: dict[str, Any]) -> None:
    file = write_network(tmp_path / "lip.onnx", 20, LIP, channel_order=channel_order, **options)
    photo = draw_labelled()
    labels = Parsing(file, 20).labels(photo)
    assert labels.shape == (128, 96)
    assert labels.dtype == np.uint8
    named = sum((where(photo, colour) & (labels == name) for colour, name in LIP.items()), np.zeros((128, 96), bool))
    assert named.mean() > 0.97  # all but the edges, which the warp mixes


def test_colours_in_the_wrong_order_are_other_colours(tmp_path: Path) -> None:
    blue_is_trousers = {WALL: 0, (30, 40, 200): 9, (200, 40, 30): 5}
    photo = Image.new("RGB", (40, 40), (30, 40, 200))
    for order, label in (("RGB", 9), ("BGR", 9)):
        file = write_network(tmp_path / f"{order}.onnx", 20, blue_is_trousers, channel_order=order)
        assert (Parsing(file, 20).labels(photo) == label).all()
    write_network(tmp_path / "wrong.onnx", 20, blue_is_trousers, channel_order="RGB")
    content = (tmp_path / "wrong.onnx").read_bytes()
    assert content.count(b"RGB") == 1
    (tmp_path / "wrong.onnx").write_bytes(content.replace(b"RGB", b"BGR"))
    wrong = Parsing(tmp_path / "wrong.onnx", 20).labels(photo)
    assert not (wrong == 9).any()


def test_mean_and_deviation_are_the_files(tmp_path: Path) -> None:
    """The network is told its statistics at birth; told others later, it errs."""
    file = write_network(tmp_path / "lip.onnx", 20, LIP, std=(0.25, 0.25, 0.25))
    photo = draw_labelled()
    assert (Parsing(file, 20).labels(photo)[where(photo, SHIRT)] == 5).mean() > 0.9
    file.write_bytes(file.read_bytes().replace(b"0.4, 0.5, 0.6", b"0.9, 0.1, 0.1"))
    assert (Parsing(file, 20).labels(photo)[where(photo, SHIRT)] == 5).mean() < 0.1


@pytest.mark.parametrize("size", [(96, 128), (131, 57), (402, 512), (30, 400), (1, 9), (1, 1)])
@pytest.mark.parametrize("geometry", ["affine", "stretch"])
def test_labels_have_the_pictures_size_and_place(tmp_path: Path, geometry: str, size: tuple[int, int]) -> None:
    """Left half one colour, right half another: the border stays where it is, whatever the aspect."""
    file = write_network(tmp_path / "two.onnx", 3, {SHIRT: 1, TROUSERS: 2}, size=(257, 257), geometry=geometry)
    photo = Image.new("RGB", size, TROUSERS)
    photo.paste(SHIRT, (0, 0, size[0] // 2, size[1]))
    labels = Parsing(file, 3).labels(photo)
    assert labels.shape == (size[1], size[0])
    tolerance = 1 + max(size) // 257
    middle = size[0] // 2
    assert (labels[:, : max(0, middle - tolerance)] == 1).all()
    assert (labels[:, middle + tolerance :] == 2).all()


@pytest.mark.parametrize(("geometry", "size"), [("affine", (129, 129)), ("stretch", (128, 96))])
def test_coarse_logits_lie_where_the_photo_does(tmp_path: Path, geometry: str, size: tuple[int, int]) -> None:
    photo = draw_labelled()
    fine, coarse = (
        Parsing(write_network(tmp_path / "a.onnx", 20, LIP, geometry=geometry, size=size, stride=stride), 20)
        for stride in (1, 4)
    )
    one, other = fine.labels(photo), coarse.labels(photo)
    assert (one == other).mean() > 0.9


def test_a_square_picture_of_the_inputs_size_is_seen_as_it_is(tmp_path: Path) -> None:
    np.testing.assert_allclose(to_square((129, 129), 129), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(to_square((65, 129), 129) @ [32, 64, 1], [64, 64])
    np.testing.assert_allclose(to_square((65, 129), 257) @ [0, 0, 1], [64, 0])


def test_of_equal_logits_the_lower_class_wins() -> None:
    logits = np.array([[[1, 0]], [[1, 2]], [[0, 2]]], np.float32)
    assert most_likely(logits, lambda plane: plane.copy()).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"drop": "mean"}, "metadata mean: Field required"),
        ({"std": (0.2, 0, 0.2)}, "metadata std.1: Input should be greater than 0"),
        ({"geometry": "letterbox"}, "metadata geometry: Input should be 'affine' or 'stretch'"),
        ({"channel_order": "GRB"}, "metadata channel_order: Input should be 'RGB' or 'BGR'"),
        ({"size": (64, 48)}, "geometry 'affine' needs a square input"),
        ({"classes": 18}, r"the output is \[1, 18, 129, 129\], expected \[1, 20, h, w\]"),
        ({"dtype": TensorProto.FLOAT16}, "Type"),
    ],
)
def test_a_file_that_is_not_such_a_network_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    classes = options.pop("classes", 20)
    names = {colour: name for colour, name in LIP.items() if name < classes}
    file = write_network(tmp_path / "lip.onnx", classes, names, **options)
    with pytest.raises(WeightsError, match=rf"lip\.onnx: .*{said}") as caught:
        Parsing(file, 20)
    assert "\n" not in caught.value.message


def test_a_file_that_is_no_network_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lip.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match=r"lip\.onnx: "):
        Parsing(tmp_path / "lip.onnx", 20)
