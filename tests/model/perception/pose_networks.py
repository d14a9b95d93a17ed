"""Stand-ins for pose networks, of the published names and shapes, that find the brightest spots of each colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.model.perception.networks import save

FLOAT = TensorProto.FLOAT


def write_simcc(file: Path, joints: int, width: int = 192, height: int = 256) -> Path:
    """Joint j votes for where channel j mod 3 is brightest: its column's and row's largest value, twice each."""
    rows = np.zeros((joints, 3, 1, 1), np.float32)
    for joint in range(joints):
        rows[joint, joint % 3] = 1
    scale = numpy_helper.from_array(np.array([1, 1, 2], np.float32), "scale")
    nodes = [
        helper.make_node("Conv", ["input", "weight"], ["chosen"]),
        helper.make_node("ReduceMax", ["chosen"], ["columns"], axes=[2], keepdims=0),
        helper.make_node("ReduceMax", ["chosen"], ["lines"], axes=[3], keepdims=0),
        helper.make_node("Resize", ["columns", "", "scale"], ["simcc_x"], mode="nearest"),
        helper.make_node("Resize", ["lines", "", "scale"], ["simcc_y"], mode="nearest"),
    ]
    graph = helper.make_graph(
        nodes,
        "simcc",
        [helper.make_tensor_value_info("input", FLOAT, ["batch", 3, height, width])],
        [
            helper.make_tensor_value_info("simcc_x", FLOAT, ["batch", joints, 2 * width]),
            helper.make_tensor_value_info("simcc_y", FLOAT, ["batch", joints, 2 * height]),
        ],
        [numpy_helper.from_array(rows, "weight"), scale],
    )
    return save(file, graph, None)


def write_blaze(file: Path, points: np.ndarray, confidence: float) -> Path:
    """Always the same 39 points (39, 5), as pixels of the input."""
    nodes = [
        helper.make_node("ReduceMean", ["input_1"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["points", "nothing"], ["Identity"]),
        helper.make_node("Add", ["confidence", "nothing"], ["Identity_1"]),
    ]
    graph = helper.make_graph(
        nodes,
        "blaze",
        [helper.make_tensor_value_info("input_1", FLOAT, [1, 256, 256, 3])],
        [
            helper.make_tensor_value_info("Identity", FLOAT, [1, 195]),
            helper.make_tensor_value_info("Identity_1", FLOAT, [1, 1]),
        ],
        [
            numpy_helper.from_array(points.reshape(1, 195).astype(np.float32), "points"),
            numpy_helper.from_array(np.array([[confidence]], np.float32), "confidence"),
            numpy_helper.from_array(np.array([0], np.float32), "zero"),
        ],
    )
    return save(file, graph, None)


def write_detector(file: Path, rows: np.ndarray, side: int = 64) -> Path:
    """YOLOX that always gives these rows (cells, 6) of its raw output."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["output"]),
    ]
    graph: onnx.GraphProto = helper.make_graph(
        nodes,
        "yolox",
        [helper.make_tensor_value_info("images", FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("output", FLOAT, [1, len(rows), rows.shape[1]])],
        [
            numpy_helper.from_array(rows[None].astype(np.float32), "rows"),
            numpy_helper.from_array(np.array([0], np.float32), "zero"),
        ],
    )
    return save(file, graph, None)
