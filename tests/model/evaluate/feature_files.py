"""Feature networks so simple that their answers are known: the mean level of each channel, and of the upper half."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn


class Means(nn.Module):
    """(N, 3, 299, 299) to (N, 6)."""

    def forward(self, levels: Tensor) -> Tensor:
        return torch.cat([levels.mean((2, 3)), levels[:, :, :149].mean((2, 3))], 1)


class Published(nn.Module):
    """Called as the published file is: its `layers`, not itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.AdaptiveAvgPool2d(1)

    def forward(self, levels: Tensor) -> Tensor:
        return levels.flatten(1)


def write_script(file: Path, module: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(file))  # type: ignore[no-untyped-call, unused-ignore]
    return file


def write_onnx(file: Path) -> Path:
    """The mean level of each channel, (N, 3)."""
    axes = numpy_helper.from_array(torch.tensor([2, 3]).numpy(), "axes")
    node = helper.make_node("ReduceMean", ["levels", "axes"], ["features"], keepdims=0)
    pictures = helper.make_tensor_value_info("levels", TensorProto.FLOAT, ["N", 3, 299, 299])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph([node], "means", [pictures], [features], [axes])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file
