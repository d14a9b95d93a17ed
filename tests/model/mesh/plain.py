"""The rasteriser as one would write it first: every triangle asks every pixel. Slow, and plainly right."""

from __future__ import annotations

import torch
from torch import Tensor


def rasterise(clip: Tensor, faces: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Face seen, (H, W), and its barycentrics, (H, W, 3), of one view: clip (V, 4)."""
    clip = clip.double()
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    points = torch.stack([(columns + 0.5) / width, (rows + 0.5) / height], dim=-1).double() * 2 - 1
    face = torch.full((height, width), -1)
    barycentric = torch.zeros(height, width, 3, dtype=torch.float64)
    nearest = torch.full((height, width), torch.inf)
    for index, corners in enumerate(clip[faces]):
        a, b, c = corners[:, :2] / corners[:, 3:]
        area = cross(b - a, c - a)
        if area == 0:
            continue
        weights = torch.stack([cross(c - b, points - b), cross(a - c, points - c), cross(b - a, points - a)], -1) / area
        depth = (weights * corners[:, 2] / corners[:, 3]).sum(-1).float()
        wins = (weights >= 0).all(-1) & (depth.abs() <= 1) & (depth < nearest)
        face[wins], barycentric[wins], nearest[wins] = index, weights[wins], depth[wins]
    return face, barycentric


def cross(a: Tensor, b: Tensor) -> Tensor:
    """The z component of the cross product."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
