"""Where points lie in a lattice: a learned view of them, and the corners of the cell around each."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

_EDGE = 1 - 1e-7  # so that a cell has a next one
_LEAST_SQUARED_ANGLE = 1e-4  # as published


class Corners(NamedTuple):
    """The 2^d corners around each point, (B, N, 2^d) each. The first axis's offset changes fastest.

    cells: int64 in a flattened lattice whose first axis is slowest. weights: multilinear, they sum to 1.
    """

    cells: Tensor
    weights: Tensor


def rotation(axis_angle: Tensor) -> Tensor:
    """(3,) radians to (3, 3). Angles below 0.01 are divided by 0.01, as the reference's exponential does."""
    x, y, z = axis_angle.unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    angle = axis_angle.square().sum().clamp(min=_LEAST_SQUARED_ANGLE).sqrt()
    turn: Tensor = angle.sin() / angle * cross + (1 - angle.cos()) / angle**2 * (cross @ cross)
    return turn + torch.eye(3).to(turn)


def seen_from(points: Tensor, axis_angle: Tensor, shift: Tensor, scales: Tensor) -> Tensor:
    """Points, (..., 3), shifted, turned and scaled: (..., d), where scales, (d,), says how many axes are kept."""
    turned: Tensor = (points + shift) @ rotation(axis_angle)
    return turned[..., : len(scales)] * scales


def in_cells(view: Tensor, size: int) -> Tensor:
    """Coordinates in 0..size - 1 of a view in -1..1, both (..., d).

    Their gradient counts a lattice's side as one step, whatever its size: the authors balance gradients so.
    """
    inside = view.clamp(-_EDGE, _EDGE)
    return ((inside + 1) * ((size - 1) / 2)).detach() + (inside - inside.detach())


def corners(coordinates: Tensor, size: int) -> Corners:
    """Coordinates, (B, N, d), in a lattice of `size` cells an axis. Weights have a gradient, cells have none."""
    floor = coordinates.detach().floor()
    above = coordinates - floor
    first, dimensions = floor.long(), coordinates.shape[-1]
    cells, weights = [], []
    for offsets in product((0, 1), repeat=dimensions):
        cell, weight = torch.zeros_like(first[..., 0]), torch.ones_like(above[..., 0])
        for axis, offset in enumerate(reversed(offsets)):
            cell = cell * size + first[..., axis] + offset
            weight = weight * (above[..., axis] if offset else 1 - above[..., axis])
        cells.append(cell)
        weights.append(weight)
    return Corners(torch.stack(cells, -1), torch.stack(weights, -1))
