"""Which points of the clothes are seen past the body, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.mesh.rasterise_torch import Torch

_NEAR, _FAR = 1e-4, 10.0  # metres, of the published rasteriser: thresholds are shares of what lies between
_FADING = 2.5  # thresholds behind the skin, where a point is gone
_NOWHERE = 10.0  # out of the picture, which is from -1 to 1, and of the depths that are drawn


@dataclass(frozen=True)
class SeenPoints:
    """B clouds before their bodies. visible: (B, P) bool. alpha: (B, P), 0..1. places: (B, P, 2), -1..1 over the
    picture. depths, body_depths: (B, P), of the point, and of the body where it lies, 0 where that is not. What is not
    visible is out of the picture. body: (B, size, size), the body's depth at each pixel, 0 where there is none."""

    visible: Tensor
    alpha: Tensor
    places: Tensor
    depths: Tensor
    body_depths: Tensor
    body: Tensor


@dataclass(frozen=True)
class BodyDepths:
    """Of B bodies, or of one before which B clouds are. pictures: (B, size, size), tens of metres, 0 where no body is.
    nearer: (B, 1), how much nearer the scene was taken, so that its farthest vertex is no farther than 1."""

    pictures: Tensor
    nearer: Tensor

    @property
    def size(self) -> int:
        return self.pictures.shape[1]


def seen_points(cloth: Tensor, body: BodyDepths, threshold: float) -> SeenPoints:
    """cloth: (B, P, 3), columns, rows and metres before the camera. threshold: how far behind the skin a point is
    seen, in tens of metres."""
    depths = _scaled(cloth[..., 2]) - body.nearer
    places = _ndc(cloth[..., :2], body.size)
    at_points = _sampled(body.pictures.expand(len(cloth), -1, -1), places)
    ahead = at_points - depths
    empty, gone = at_points < 1e-8, _FADING * threshold
    visible = (ahead > -gone) | empty
    alpha = torch.where(empty, 1.0, ((gone + ahead) / (gone - threshold)).clamp(0, 1))
    return SeenPoints(
        visible,
        alpha,
        torch.where(visible[..., None], places, -_NOWHERE),
        torch.where(visible, depths, _NOWHERE),
        torch.where(visible, at_points, -_NOWHERE),
        body.pictures,
    )


def body_depths(body: Tensor, faces: Tensor, size: int) -> BodyDepths:
    """body: (B, V, 3), columns, rows and metres before the camera. faces: (F, 3). size: of the square pictures."""
    z = _scaled(body[..., 2])
    nearer = (z.amax(1, keepdim=True) - 1).clamp(min=0)
    clip = torch.stack([*_ndc(body[..., :2], size).unbind(-1), z - nearer, torch.ones_like(z)], -1)
    depths = []
    for one in clip:
        fragments = Torch().rasterise(one[None], faces, size, size)
        corners = one[:, 2][faces[fragments.faces.clamp(min=0)]]
        depth = (fragments.barycentric * corners).sum(-1)
        depths.append(torch.where(fragments.faces >= 0, depth, 0.0))
    return BodyDepths(torch.cat(depths), nearer)


def _scaled(z: Tensor) -> Tensor:
    return (z - _NEAR) / (_FAR - _NEAR)


def _ndc(pixels: Tensor, size: int) -> Tensor:
    return 2 * (pixels / size - 0.5)


def _sampled(pictures: Tensor, places: Tensor) -> Tensor:
    """The nearest pixels of pictures, (B, S, S), at places, (B, P, 2), whose corner pixels lie at -1 and 1; else 0."""
    size = pictures.shape[1]
    column, row = ((places + 1) / 2 * (size - 1)).round().unbind(-1)
    inside = (column >= 0) & (row >= 0) & (column < size) & (row < size)
    cells = torch.where(inside, row * size + column, 0).long()
    return torch.where(inside, pictures.flatten(1).gather(1, cells), 0.0)
