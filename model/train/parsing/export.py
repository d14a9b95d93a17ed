"""A trained network as a small ONNX file that says of itself how it is asked (`model.perception.profile`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.errors import InputError
from model.train.parsing.network import MEAN, STD

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

_OPSET, _IR = 17, 9  # of ONNX: runtimes of the last years read them


def as_written(network: nn.Module) -> nn.Module:
    """A copy whose normalisations are part of the convolutions before them, and whose weights are float16's."""
    fused = deepcopy(network).eval()
    for module in list(fused.modules()):
        layers = list(module.children()) if isinstance(module, nn.Sequential) else []
        match layers:
            case [nn.Conv2d() as convolution, nn.BatchNorm2d() as norm, *_]:
                layers[:2] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
                for name, layer in zip(module._modules, layers, strict=True):
                    setattr(module, name, layer)
    return fused.half().float()


@dataclass(frozen=True)
class NetworkInterface:
    """size: (width, height) of the one picture that goes in. outputs: shapes by name. said: what of the file's metadata
    is not the same for all."""

    size: tuple[int, int]
    outputs: Mapping[str, Sequence[int]]
    said: Mapping[str, str]


def write_onnx(network: nn.Module, interface: NetworkInterface, file: Path) -> None:
    """Write a network from one RGB picture. Weights are kept in float16, used in float32.

    Raises:
        InputError: the package onnx is not installed, or the network has a layer that this cannot write.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"writing a network needs the package onnx ({error})") from error
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = _Graph(onnx, fx.symbolic_trace(as_written(network)), list(interface.outputs))
    width, height = interface.size
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [helper.make_tensor_value_info("picture", floats, [1, 3, height, width])],
            [helper.make_tensor_value_info(name, floats, shape) for name, shape in interface.outputs.items()],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
    )
    three = {"mean": ", ".join([str(MEAN)] * 3), "std": ", ".join([str(STD)] * 3)}
    helper.set_model_props(model, {**interface.said, "channel_order": "RGB", **three})
    onnx.checker.check_model(model)
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)


class _Graph:
    """A traced network's steps as ONNX nodes, called as the trace calls them."""

    def __init__(self, onnx: ModuleType, traced: fx.GraphModule, outputs: Sequence[str]) -> None:
        self._onnx = onnx
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        names: dict[fx.Node, str] = {}
        for step in traced.graph.nodes:
            inputs = [names[argument] for argument in step.args if isinstance(argument, fx.Node)]
            if step.op == "placeholder":
                names[step] = "picture"
            elif step.op == "output":
                for source, name in zip(_results(step), outputs, strict=True):
                    self._node("Identity", [names[source]], name)
            elif step.op == "call_module":
                names[step] = self._layer(traced.get_submodule(step.target), inputs, step.name)
            else:
                names[step] = self._function(step, inputs)

    def _layer(self, layer: nn.Module, inputs: list[str], name: str) -> str:
        if isinstance(layer, nn.Identity):
            return inputs[0]
        if isinstance(layer, nn.ReLU):
            return self._node("Relu", inputs, name)
        if isinstance(layer, nn.Conv2d) and isinstance(layer.padding, tuple):
            weights = [self._weight(f"{name}.{key}", value) for key, value in layer.named_parameters()]
            pads, strides, dilations = [*layer.padding] * 2, [*layer.stride], [*layer.dilation]
            return self._node("Conv", inputs + weights, name, pads=pads, strides=strides, dilations=dilations)
        if isinstance(layer, nn.Linear):
            weight, bias = self._weight(f"{name}.weight", layer.weight.T), self._weight(f"{name}.bias", layer.bias)
            return self._node("Add", [self._node("MatMul", [*inputs, weight], f"{name}.product"), bias], name)
        raise InputError(f"a layer {type(layer).__name__} cannot be written")

    def _function(self, step: fx.Node, inputs: list[str]) -> str:
        function: Callable[..., object] | str = step.target
        if getattr(function, "__name__", "") == "add":
            return self._node("Add", inputs, step.name)
        if function is F.interpolate and step.kwargs["mode"] == "bilinear" and not step.kwargs["align_corners"]:
            scales = np.array([1, 1, *[step.kwargs["scale_factor"]] * 2], np.float32)
            self.weights.append(self._onnx.numpy_helper.from_array(scales, f"{step.name}.scales"))
            resized = [*inputs, "", f"{step.name}.scales"]
            return self._node("Resize", resized, step.name, mode="linear", coordinate_transformation_mode="half_pixel")
        if function == "amax":
            return self._node("ReduceMax", inputs, step.name, axes=[step.args[1]], keepdims=0)
        if function == "sigmoid":
            return self._node("Sigmoid", inputs, step.name)
        raise InputError(f"a step {function} cannot be written")

    def _weight(self, name: str, values: Tensor) -> str:
        self.weights.append(self._onnx.numpy_helper.from_array(values.detach().half().numpy(), f"{name}.half"))
        return self._node("Cast", [f"{name}.half"], name, to=self._onnx.TensorProto.FLOAT)

    def _node(self, kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        self.nodes.append(self._onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name


def _results(output: fx.Node) -> Sequence[fx.Node]:
    """What a trace ends in: one result, or several."""
    (result,) = output.args
    return [result] if isinstance(result, fx.Node) else result  # type: ignore[return-value]
