"""The orthographic cameras around a person."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

AZIMUTHS = (0, 45, 90, 180, 270, 315)  # degrees; of the six views, everywhere in this order


def rotations(azimuths: Sequence[float]) -> Tensor:
    """The turn of the world before each camera, about the upright axis: (n, 3, 3).

    The camera at 0 looks at the person's front (+Z), the one at 90 at its left side (+X).
    """
    angle = -torch.tensor(azimuths, dtype=torch.float32).deg2rad()
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], dim=1)
    return rows.view(-1, 3, 3)


def orthographic_cameras(azimuths: Sequence[float], radius: float = 1.0) -> Tensor:
    """World to clip space, (n, 4, 4): what lies within `radius` of the origin is in the picture, upright, row 0 on top.

    Clip space keeps the world's units and carries the radius in w.
    """
    cameras = torch.zeros(len(azimuths), 4, 4)
    cameras[:, :3, :3] = rotations(azimuths)
    cameras[:, 1:3] *= -1  # rows of a picture go down, and nearer is smaller: half a turn about the x axis
    cameras[:, 3, 3] = radius
    return cameras


def to_clip(vertices: Tensor, cameras: Tensor) -> Tensor:
    """Vertices, (V, 3), in the clip space of each camera: (n, V, 4)."""
    homogeneous = torch.cat([vertices, torch.ones_like(vertices[:, :1])], dim=1)
    return homogeneous @ cameras.to(vertices).mT
