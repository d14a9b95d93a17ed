"""Networks with the names and shapes of published files, and hand-made weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


def write_colours(
    file: Path,
    levels: Mapping[int, Sequence[float]],
    *,
    input_name: str,
    shape: Shape,
    output_names: Sequence[str],
    used: int,
    mean: Sequence[float],
    std: Sequence[float],
    classes: int,
    stated_classes: int | str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A 1 x 1 convolution that names the nearest colour in one of its outputs; the other outputs name the farthest.

    Args:
        levels: class -> its colour, of 1, in the order of the input's channels.
        shape: of the input; (1, 3, H, W), or (1, H, W, 3) for a network that wants channels last.
        used: which of the outputs answers rightly.
    """
    weight, bias = np.zeros((classes, 3, 1, 1), np.float32), np.full(classes, -1e3, np.float32)
    for name, colour in levels.items():
        point = np.array(colour)
        weight[name, :, 0, 0] = 2 * point * np.array(std)
        bias[name] = 2 * point @ np.array(mean) - point @ point
    last = shape[3] == 3
    nodes = [helper.make_node("Transpose", [input_name], ["first"], perm=[0, 3, 1, 2])] if last else []
    nodes.append(helper.make_node("Conv", ["first" if last else input_name, "weight", "bias"], ["answer"]))
    nodes.append(helper.make_node("Neg", ["answer"], ["wrong"]))
    nodes += [
        helper.make_node("Identity", ["answer" if i == used else "wrong"], [name])
        for i, name in enumerate(output_names)
    ]
    height, width = (shape[1], shape[2]) if last else (shape[2], shape[3])
    out = [1, stated_classes or classes, height, width]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, out) for name in output_names],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return save(file, graph, metadata)


def write_shares(file: Path, *, side: int | str = 320, outputs: int = 7, stated: str = "input.1") -> Path:
    """Like U2-Net: `outputs` shares in 0..1, of which the first is right: who is red; the others are 0.7 everywhere."""
    kernel = np.reshape([60.0, -40.0, -40.0], (1, 3, 1, 1)).astype(np.float32)
    names = [f"d{i}" for i in range(outputs)]
    nodes = [
        helper.make_node("Conv", [stated, "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], [names[0]]),
        helper.make_node("Mul", ["logits", "zero"], ["nothing"]),
        *(helper.make_node("Add", ["nothing", "most"], [name]) for name in names[1:]),
    ]
    graph = helper.make_graph(
        nodes,
        "shares",
        [helper.make_tensor_value_info(stated, TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name in names],
        [
            numpy_helper.from_array(kernel, "weight"),
            numpy_helper.from_array(np.array([-20.0], np.float32), "bias"),
            numpy_helper.from_array(np.array(0.0, np.float32), "zero"),
            numpy_helper.from_array(np.array(0.7, np.float32), "most"),
        ],
    )
    return save(file, graph, None)


def write_isnet(file: Path) -> Path:
    """Like IS-Net: shares of who is red in the first output, features in the last; levels are asked less one half."""
    kernel = np.reshape([60.0, -40.0, -40.0], (1, 3, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["input", "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["shares"]),
        helper.make_node("ConstantOfShape", ["shape"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "isnet",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 1024, 1024])],
        [
            helper.make_tensor_value_info("shares", TensorProto.FLOAT, [1, 1, 1024, 1024]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 512, 16, 16]),
        ],
        [
            numpy_helper.from_array(kernel, "weight"),
            numpy_helper.from_array(np.array([-20.0], np.float32), "bias"),
            numpy_helper.from_array(np.array([1, 512, 16, 16], np.int64), "shape"),
        ],
    )
    return save(file, graph, None)


def save(file: Path, graph: onnx.GraphProto, metadata: Mapping[str, str] | None) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)
    return file
