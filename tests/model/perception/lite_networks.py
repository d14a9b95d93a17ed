"""A stand-in for BlazePose as it is published: a TensorFlow Lite file; its points follow the picture's mean colour."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from model.perception.blaze_pose import NUMBERS, POINTS

_SIDE = 256


def write_lite_blaze(file: Path, points: np.ndarray, by_red: np.ndarray, sure: float = 0.0) -> Path:
    """Gives `points`, (39, 5), and for each 1 of mean red `by_red` more; it is surer than `sure` by the mean blue."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.AVERAGE_POOL_2D),
        _code(schema.BuiltinOperator.FULLY_CONNECTED),
    ]
    numbers = POINTS * NUMBERS
    weights = np.zeros((numbers, 3), np.float32)
    weights[:, 0] = by_red.reshape(-1)
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor(model, "input_1", (1, _SIDE, _SIDE, 3)),
        _tensor(model, "mean", (1, 1, 1, 3)),
        _tensor(model, "by_colour", weights.shape, weights),
        _tensor(model, "points", (numbers,), points.reshape(-1)),
        _tensor(model, "blue", (1, 3), np.array([[0, 0, 1]])),
        _tensor(model, "sure", (1,), np.array([sure])),
        _tensor(model, "Identity", (1, numbers)),
        _tensor(model, "Identity_1", (1, 1)),
    ]
    graph.inputs, graph.outputs = [0], [6, 7]
    graph.operators = [_pooled(0, 1), _connected([1, 2, 3], 6), _connected([1, 4, 5], 7)]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(builder.Output()))
    return file


def _code(operator: int) -> object:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 1
    return code


def _tensor(model: object, name: str, shape: tuple[int, ...], values: np.ndarray | None = None) -> object:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), schema.TensorType.FLOAT32, 0
    if values is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        model.buffers.append(buffer)  # type: ignore[attr-defined]
        tensor.buffer = len(model.buffers) - 1  # type: ignore[attr-defined]
    return tensor


def _pooled(source: int, target: int) -> object:
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.VALID
    options.filterWidth = options.filterHeight = options.strideW = options.strideH = _SIDE
    return _operator(0, schema.BuiltinOptions.Pool2DOptions, options, [source], target)


def _connected(sources: list[int], target: int) -> object:
    options = schema.FullyConnectedOptionsT()
    return _operator(1, schema.BuiltinOptions.FullyConnectedOptions, options, sources, target)


def _operator(code: int, kind: int, options: object, sources: list[int], target: int) -> object:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, sources, [target]
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator
