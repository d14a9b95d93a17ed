"""Vertices and triangles compressed by Google's Draco, as glTF holds them (KHR_draco_mesh_compression)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import DracoPy
import numpy as np

EXTENSION = "KHR_draco_mesh_compression"
NORMALISED = frozenset({"WEIGHTS_0"})  # attributes whose whole numbers are shares of the largest one

# Of the attributes that the library knows; the others are kept as they are.
_POSITION_BITS, _NORMAL_BITS, _UV_BITS = 14, 10, 12
_LEVEL = 7  # of 10; above it files hardly shrink
_KNOWN = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 3}  # the library's types of attributes
_OTHERS = "JOINTS_0", "WEIGHTS_0", "COLOR_0"
_MOST = 255  # of a byte
_SHARES = 65535  # that colours of 16 bits are parts of


@dataclass(frozen=True)
class Packed:
    """content: the compressed bytes. numbers: each attribute's in there. attributes, faces: (V, ...) and (F, 3), what a
    reader finds, whose order is not that of what was packed."""

    content: bytes
    numbers: dict[str, int]
    attributes: dict[str, np.ndarray]
    faces: np.ndarray


def packed(attributes: Mapping[str, np.ndarray], faces: np.ndarray) -> Packed:
    """Compress by glTF's names: `POSITION`, `NORMAL` and whichever others are there.

    Positions keep a 16,000th of the largest extent; weights become bytes, which sum to 255 a vertex.
    Triangles without area may go.
    """
    others = {name: attributes[name] for name in _OTHERS if name in attributes}
    if "WEIGHTS_0" in others:
        others["WEIGHTS_0"] = in_bytes(others["WEIGHTS_0"])
    if "COLOR_0" in others:  # 16 bits would come back as 32, which glTF does not take
        others["COLOR_0"] = (others["COLOR_0"] / np.float32(_SHARES)).astype(np.float32)
    uv = attributes.get("TEXCOORD_0")
    content = DracoPy.encode(
        attributes["POSITION"],
        faces.astype(np.uint32),
        quantization_bits=_POSITION_BITS,
        compression_level=_LEVEL,
        normals=attributes["NORMAL"].astype(np.float64),  # what the library takes; it keeps 32 bits at most
        tex_coord=None if uv is None else uv.astype(np.float64),
        normal_quantization_bits=_NORMAL_BITS,
        tex_coord_quantization_bits=_UV_BITS,
        generic_attributes={_OTHERS.index(name): values for name, values in others.items()},
    )
    read = DracoPy.decode(content)
    by_type = {found["attribute_type"]: found for found in read.attributes}
    by_number = {found["unique_id"]: found for found in read.attributes}
    found = {name: by_type[type] for name, type in _KNOWN.items() if name in attributes}
    found |= {name: by_number[_OTHERS.index(name)] for name in others}
    return Packed(
        content,
        {name: one["unique_id"] for name, one in found.items()},
        {name: np.asarray(one["data"]) for name, one in found.items()},
        np.asarray(read.faces),
    )


def in_bytes(weights: np.ndarray) -> np.ndarray:
    """Weights (V, 4), the strongest first, as uint8 that sum to 255."""
    rounded = np.floor(weights.astype(np.float64) * _MOST)
    rounded[:, 0] += _MOST - rounded.sum(1)
    return rounded.astype(np.uint8)
