"""A thin-plate spline over a square lattice of control points (Bookstein 1989), as a grid to sample pictures by.

Places are -1..1, from the middle of the first pixel to the middle of the last one (`align_corners`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SIDE = 5  # control points a side, as published


class ThinPlate(nn.Module):
    """How far each control point is moved, to where every pixel samples.

    Control points are numbered column by column, from the left; y changes fastest.

    Args:
        side: control points along either axis.
    """

    points: Tensor
    inverse: Tensor

    def __init__(self, side: int = _SIDE) -> None:
        super().__init__()
        ticks = torch.linspace(-1, 1, side, dtype=torch.float64, device="cpu")
        points = torch.cartesian_prod(ticks, ticks)  # (side^2, 2), x and y
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("inverse", torch.linalg.inv(_system(points)), persistent=False)

    def forward(self, theta: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, h, w, 2): the place in the picture that each pixel of the result, `size` (h, w), shows.

        Args:
            theta: (B, 2 side^2), offsets of the control points along x, then along y.
        """
        offsets = torch.stack(theta.chunk(2, dim=1), -1)  # (B, side^2, 2)
        points = self.points.to(theta)
        targets = points + offsets
        count = targets.shape[1]
        weights = self.inverse[:, :count].to(theta) @ targets  # (B, side^2 + 3, 2)
        places = _pixels(size, theta)
        bending = _bending(places, points) @ weights[:, :count]
        affine = weights[:, count, None] + places @ weights[:, count + 1 :]
        grid: Tensor = (bending + affine).view(-1, *size, 2)
        return grid


def seen_through(picture: Tensor, grid: Tensor, beyond: str = "border") -> Tensor:
    """(B, C, h, w): a picture, (B, C, H, W), where a grid says; past its borders the border, or "zeros"."""
    return F.grid_sample(picture, grid, "bilinear", beyond, align_corners=True)


def interval_error(grid: Tensor) -> Tensor:
    """How unevenly a grid's neighbours lie around each inner pixel, a scalar: 0 of a regular one.

    CP-VTON+'s grid interval consistency: a sum over inner pixels, divided by all of them.
    """
    batch, height, width, _ = grid.shape
    across = _uneven(grid[:, 1:-1, :, 0].transpose(1, 2))
    down = _uneven(grid[:, :, 1:-1, 1])
    return (across + down) / (batch * height * width)


def bending(theta: Tensor) -> Tensor:
    """The mean second difference of the control points' offsets along x plus that along y, a scalar."""
    side = round((theta.shape[1] / 2) ** 0.5)
    lattice = theta.view(-1, 2, side, side)
    return lattice.diff(n=2, dim=3).abs().mean() + lattice.diff(n=2, dim=2).abs().mean()


def _uneven(lines: Tensor) -> Tensor:
    """Of (B, length, lines): the sum of the differences between the intervals before and after inner places."""
    return lines.diff(dim=1).abs().diff(dim=1).abs().sum()


def _system(points: Tensor) -> Tensor:
    """Bookstein's L."""
    count = len(points)
    affine = torch.cat([torch.ones_like(points[:, :1]), points], 1)
    system = points.new_zeros((count + 3, count + 3))
    system[:count, :count] = _bending(points, points)
    system[:count, count:], system[count:, :count] = affine, affine.T
    return system


def _bending(places: Tensor, points: Tensor) -> Tensor:
    """U of each place's distance from each point, (N, M): r^2 log r^2, and 0 at 0."""
    square = (places[:, None] - points).square().sum(-1)
    return square * torch.log(square + (square == 0).to(square.dtype))


def _pixels(size: tuple[int, int], like: Tensor) -> Tensor:
    y, x = (torch.linspace(-1, 1, length, dtype=like.dtype, device=like.device) for length in size)
    return torch.stack([x.expand(size), y[:, None].expand(size)], -1).flatten(0, 1)
