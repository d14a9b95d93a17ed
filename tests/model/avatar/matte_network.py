"""A matting network that takes red for people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write_matting(
    file: Path,
    weight: tuple[float, float, float] = (6.0, -2.0, -2.0),
    bias: float = -2.0,
    *,
    side: int | str = 64,
    inputs: int = 3,
    outputs: int = 1,
    stride: int = 1,
    metadata: dict[str, str] | None = None,
    dtype: int = TensorProto.FLOAT,
) -> Path:
    """A 1 x 1 convolution from normalised colours to logits, preceded by an output of another meaning.

    Args:
        side: of the input; a name where the file leaves it open.
        stride: of the logits.
    """
    kernel = np.zeros((outputs, inputs, 1, 1), np.float32)
    kernel[:] = np.reshape(weight[:inputs], (1, inputs, 1, 1))
    kind = numpy_helper.from_array(kernel).data_type if dtype == TensorProto.FLOAT else dtype
    half = kernel.astype(np.float16) if kind == TensorProto.FLOAT16 else kernel
    offset = np.full(outputs, bias, half.dtype)
    lengths: tuple[str | int, str | int] = ("h", "w") if isinstance(side, str) else (-(-side // stride),) * 2
    logits: list[str | int | None] = [1, outputs, *lengths]
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["picture"], ["coarse"]),
            helper.make_node("Conv", ["picture", "weight", "bias"], ["logits"], strides=[stride, stride]),
        ],
        "matting",
        [helper.make_tensor_value_info("picture", kind, [1, inputs, side, side])],
        [
            helper.make_tensor_value_info("coarse", kind, [1, inputs, side, side]),
            helper.make_tensor_value_info("logits", kind, logits),
        ],
        [numpy_helper.from_array(half, "weight"), numpy_helper.from_array(offset, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)
    return file
