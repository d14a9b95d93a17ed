"""A triangle mesh: what body, reconstruction and export hand to each other."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Mesh:
    """Triangles, counter-clockwise seen from outside.

    vertices: (V, 3) float32. faces: (F, 3) int64. colours: (V, 3) float32 in 0..1, or None.
    """

    vertices: Tensor
    faces: Tensor
    colours: Tensor | None = None
