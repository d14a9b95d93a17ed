"""A stand-in for MobileNet-SSD's Caffe files, of its input and output: what it finds depends on the mean colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_PROTOTXT = """
name: "stand-in" input: "data" input_shape {{ dim: 1 dim: 3 dim: 300 dim: 300 }}
layer {{ name: "mean" type: "Pooling" bottom: "data" top: "mean"
  pooling_param {{ pool: AVE kernel_size: 300 stride: 300 }} }}
layer {{ name: "rows" type: "InnerProduct" bottom: "mean" top: "rows" inner_product_param {{ num_output: {numbers} }} }}
layer {{ name: "detection_out" type: "Reshape" bottom: "rows" top: "detection_out"
  reshape_param {{ shape {{ dim: 1 dim: 1 dim: {rows} dim: {columns} }} }} }}
"""
_LAYER, _NAME, _TYPE, _BLOBS, _DATA, _SHAPE, _DIM = 100, 1, 2, 7, 5, 7, 1  # fields of caffe.proto


def write_caffe(caffemodel: Path, rows: np.ndarray, surer_by_red: float = 0.0) -> Path:
    """Always finds `rows`, (N, 7), with scores that grow by so much where the mean red is the brightest there is."""
    weights = np.zeros((*rows.shape, 3))
    weights[:, 2, 0] = surer_by_red
    blobs = _field(_BLOBS, _blob(weights.reshape(-1, 3))) + _field(_BLOBS, _blob(rows.reshape(-1)))
    layer = _field(_NAME, b"rows") + _field(_TYPE, b"InnerProduct") + blobs
    caffemodel.parent.mkdir(parents=True, exist_ok=True)
    caffemodel.write_bytes(_field(_LAYER, layer))
    prototxt = _PROTOTXT.format(numbers=rows.size, rows=rows.shape[0], columns=rows.shape[1])
    caffemodel.with_suffix(".prototxt").write_text(prototxt)
    return caffemodel


def _blob(values: np.ndarray) -> bytes:
    shape = _field(_DIM, b"".join(_varint(side) for side in values.shape))
    return _field(_DATA, values.astype("<f4").tobytes()) + _field(_SHAPE, shape)


def _field(number: int, content: bytes) -> bytes:
    """Of protobuf's wire format, with a length before it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
