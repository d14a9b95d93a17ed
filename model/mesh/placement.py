"""Where a mesh stands: in the middle of pictures, or on the ground."""

from __future__ import annotations

import torch
from torch import Tensor


def normalised(vertices: Tensor, half_height: float) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices moved and scaled so that the middle of their box is 0 and its longest side reaches from -half_height to
    half_height; with the middle, (3,), and the scale, (): `normalised / scale + centre` undoes it."""
    low, high = vertices.aminmax(dim=0)
    centre, scale = (low + high) / 2, 2 * half_height / (high - low).max()
    return (vertices - centre) * scale, centre, scale


def grounded(vertices: Tensor) -> Tensor:
    """The offset, (3), that puts vertices (V, 3) on the ground y = 0, over the origin."""
    low, high = vertices.amin(0), vertices.amax(0)
    return torch.stack([-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2])
