"""A triangle mesh: what body, reconstruction and export hand to each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mesh:
    """Triangles, counter-clockwise seen from outside.

    vertices: (V, 3) float32. faces: (F, 3) int64. colours: (V, 3) float32 in 0..1, or None.
    """

    vertices: Tensor
    faces: Tensor
    colours: Tensor | None = None

    def to(self, device: torch.device) -> Mesh:
        """The same on that device."""
        colours = None if self.colours is None else self.colours.to(device)
        return Mesh(self.vertices.to(device), self.faces.to(device), colours)
