"""A matting model without training: whoever differs from the wall behind.

The wall's colour is read from the picture's upper corners and, row by row, from its left and right edge, as long as
these look like the wall too: people may be cut off at the sides. Good for one person before a plain or evenly shaded
wall, as in the project's own photos; before anything else it is wrong, and real weights take its place.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from model.errors import InputError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_SIDE = 256  # pixels: of a standing person each is less than a finger, and a photo takes under a millisecond
_EDGE = 6  # pixels of the picture's border that are averaged
_THRESHOLD, _STEEPNESS = 0.045, 120.0  # distance of colours, of 1; logits per unit of it
_LOOKS_LIKE_WALL = 0.06  # how far an edge's hue may be off
_SHADING = 0.35  # how much lighter or darker than the corners a wall may be
_GAP = 7  # holes this wide are closed


def write_matting(file: Path) -> None:
    """Write the model, of the convention of `model.perception.matting`.

    Raises:
        InputError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"writing the demo pack needs the package onnx ({error})") from error
    graph = _MattingGraph(onnx)
    corner = graph.mean(graph.cut("picture", (0, _EDGE), _corner_columns()), [2, 3])
    sides = [graph.mean(graph.cut("picture", (0, _SIDE), columns), [3]) for columns in _sides()]
    distance = graph.node("Min", *(_distance_to_side(graph, side, corner) for side in sides))
    closed = graph.pool(distance, _GAP)
    closed = graph.node("Neg", graph.pool(graph.node("Neg", closed), _GAP))
    logits = graph.node("Mul", graph.node("Sub", closed, graph.number(_THRESHOLD)), graph.number(_STEEPNESS))
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(graph.model(logits), file)


def _corner_columns() -> list[int]:
    return [*range(_EDGE), *range(_SIDE - _EDGE, _SIDE)]


def _sides() -> tuple[list[int], list[int]]:
    return list(range(_EDGE)), list(range(_SIDE - _EDGE, _SIDE))


def _distance_to_side(graph: _MattingGraph, side: str, corner: str) -> str:
    """(1, 1, H, W): how far each pixel is from its row's edge, (1, 3, H, 1); far for a whole row without wall there."""
    apart = graph.length(graph.node("Sub", "picture", side))
    light, dark = graph.mean(side, [1]), graph.mean(corner, [1])
    tint = graph.length(graph.node("Sub", graph.node("Div", side, light), graph.node("Div", corner, dark)))
    shade = graph.node("Abs", graph.node("Sub", graph.node("Div", light, dark), graph.number(1.0)))
    excess = [
        graph.node("Relu", graph.node("Sub", value, graph.number(limit)))
        for value, limit in ((tint, _LOOKS_LIKE_WALL), (shade, _SHADING))
    ]
    penalty = graph.node("Mul", graph.node("Add", *excess), graph.number(20.0))
    return graph.node("Add", apart, penalty)


class _MattingGraph:
    """Nodes as they are asked for, each named by a number. All tensors have four axes."""

    def __init__(self, onnx: ModuleType) -> None:
        self._onnx = onnx
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: ArrayLike, kind: type) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.array(values, kind), name))
        return name

    def number(self, value: float) -> str:
        return self.constant(value, np.float32)

    def cut(self, name: str, rows: tuple[int, int], columns: list[int]) -> str:
        part = self.node("Gather", name, self.constant(list(range(*rows)), np.int64), axis=2)
        return self.node("Gather", part, self.constant(columns, np.int64), axis=3)

    def mean(self, name: str, axes: list[int]) -> str:
        return self.node("ReduceMean", name, axes=axes, keepdims=1)

    def length(self, name: str) -> str:
        """Over the channels."""
        return self.node("ReduceL2", name, axes=[1], keepdims=1)

    def pool(self, name: str, size: int) -> str:
        return self.node("MaxPool", name, kernel_shape=[size, size], pads=[size // 2] * 4)

    def model(self, logits: str) -> ModelProto:
        helper, floats = self._onnx.helper, self._onnx.TensorProto.FLOAT
        self._nodes.append(helper.make_node("Identity", [logits], ["logits"]))
        graph = helper.make_graph(
            self._nodes,
            "wall",
            [helper.make_tensor_value_info("picture", floats, [1, 3, _SIDE, _SIDE])],
            [helper.make_tensor_value_info("logits", floats, [1, 1, _SIDE, _SIDE])],
            self._constants,
        )
        model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        helper.set_model_props(model, {"mean": "0, 0, 0", "std": "1, 1, 1"})
        return model
