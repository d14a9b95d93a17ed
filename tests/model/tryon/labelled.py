"""A person drawn in flat colours, and networks that name these colours: the way from photo to mask by content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from model.perception.builtin_profiles import SCHP_PROFILE
from tests.model.perception.networks import write_colours

Colour = tuple[int, int, int]

WALL, HAIR, FACE, SHIRT, ARM, HAND, TROUSERS, SHOE = (
    (200, 200, 200),
    (60, 30, 10),
    (250, 200, 160),
    (220, 20, 30),
    (160, 110, 80),
    (100, 160, 80),
    (30, 40, 200),
    (10, 90, 90),
)

# What each network calls a colour.
DENSEPOSE = {WALL: 0, HAIR: 24, FACE: 23, SHIRT: 1, ARM: 15, HAND: 3, TROUSERS: 7, SHOE: 5}
LIP = {WALL: 0, HAIR: 2, FACE: 13, SHIRT: 5, ARM: 14, HAND: 14, TROUSERS: 9, SHOE: 18}
ATR = {WALL: 0, HAIR: 2, FACE: 11, SHIRT: 4, ARM: 14, HAND: 14, TROUSERS: 6, SHOE: 9}

_BODY = {  # of a picture of 96 x 128
    HAIR: [(38, 6, 57, 15)],
    FACE: [(40, 14, 55, 29)],
    SHIRT: [(32, 30, 63, 69)],
    ARM: [(20, 34, 29, 63), (66, 34, 75, 63)],
    HAND: [(20, 64, 29, 73), (66, 64, 75, 73)],
    TROUSERS: [(34, 70, 61, 111)],
    SHOE: [(34, 112, 45, 119), (50, 112, 61, 119)],
}


def draw_labelled(size: tuple[int, int] = (96, 128)) -> Image.Image:
    """The person, stretched to `size`."""
    picture = Image.new("RGB", (96, 128), WALL)
    for colour, boxes in _BODY.items():
        for box in boxes:
            ImageDraw.Draw(picture).rectangle(box, fill=colour)
    return picture.resize(size, Image.Resampling.NEAREST)


def where(picture: Image.Image, colour: Colour) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The pixels of `picture` that have `colour`."""
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (np.asarray(picture) == colour).all(axis=2)
    return found


def write_network(
    file: Path,
    classes: int,
    names: Mapping[Colour, int],
    *,
    size: tuple[int, int] = (129, 129),
    stride: int = 1,
    geometry: str = "affine",
    channel_order: str = "RGB",
    mean: tuple[float, ...] = (0.4, 0.5, 0.6),
    std: tuple[float, ...] = (0.2, 0.3, 0.4),
    dtype: int = TensorProto.FLOAT,
    drop: str = "",
) -> Path:
    """A 1 x 1 convolution that gives each pixel the name of the nearest of the named colours.

    Args:
        size: height, width of its input.
        stride: of its output, as real networks have it.
        drop: a metadata key to leave out.
    """
    weight, bias = np.zeros((classes, 3, 1, 1), np.float32), np.full(classes, -1e6, np.float32)
    for colour, name in names.items():
        if bias[name] > -1e6:
            continue  # two colours of one name: the first one's
        channels = colour if channel_order == "RGB" else colour[::-1]
        point = np.array(channels) / 255
        # -(distance squared) without what all classes share, with input x = (point - mean) / std
        weight[name, :, 0, 0] = 2 * point * np.array(std)
        bias[name] = 2 * point @ np.array(mean) - point @ point
    out = [(side - 1) // stride + 1 for side in size]
    node = helper.make_node("Conv", ["picture", "weight", "bias"], ["logits"], strides=[stride, stride])
    graph = helper.make_graph(
        [node],
        "colours",
        [helper.make_tensor_value_info("picture", dtype, [1, 3, *size])],
        [helper.make_tensor_value_info("logits", dtype, [1, classes, *out])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    metadata = {
        "geometry": geometry,
        "channel_order": channel_order,
        "mean": ", ".join(map(str, mean)),
        "std": ", ".join(map(str, std)),
    }
    helper.set_model_props(model, {key: value for key, value in metadata.items() if key != drop})
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)
    return file


def write_schp(file: Path, names: Mapping[Colour, int], *, side: int, classes: int) -> Path:
    """A parser of the names and shapes of SCHP's published files, which say nothing of how they are asked."""
    levels = {name: [level / 255 for level in colour] for colour, name in reversed(list(names.items()))}
    return write_colours(
        file,
        levels,
        input_name="input.1",
        shape=(1, 3, side, side),
        output_names=("3194", "3203", "3207"),
        used=1,
        mean=SCHP_PROFILE.mean,
        std=SCHP_PROFILE.std,
        classes=classes,
    )


def write_networks(weights: Path) -> None:
    """All three, each of another geometry and size."""
    folder = weights / "perception"
    write_network(folder / "densepose.onnx", 25, DENSEPOSE, size=(160, 128), geometry="stretch")
    write_network(folder / "parsing_lip.onnx", 20, LIP, channel_order="BGR")
    write_network(folder / "parsing_atr.onnx", 18, ATR, size=(257, 257), stride=2)
