"""Points as soft discs in a picture: the nearest eight of each pixel, blended from front to back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_PER_PIXEL = 8  # as published
_SHARPEST = 1e-3  # of squared distances in squared radii; nearer to a point's middle a disc is no denser


@dataclass(frozen=True)
class Splats:
    """What lies in each pixel of B pictures. points: (B, S, S, 8), numbers of the cloud's points, the nearest first, -1
    for none. shares: (B, S, S, 8), how much of the pixel each gives."""

    points: Tensor
    shares: Tensor

    def blended(self, features: Tensor) -> Tensor:
        """Features of the points, (B, P, C), as pictures, (B, C, S, S). Differentiable by the features."""
        batch, count, channels = features.shape
        rows = self.points.clamp(min=0) + count * torch.arange(batch, device=features.device)[:, None, None, None]
        taken = torch.nn.functional.embedding_bag(
            rows.view(-1, _PER_PIXEL),
            features.reshape(-1, channels),
            mode="sum",
            per_sample_weights=self.shares.reshape(-1, _PER_PIXEL),
        )
        return taken.view(*self.points.shape[:3], channels).permute(0, 3, 1, 2)

    @property
    def coverage(self) -> Tensor:
        """(B, 1, S, S): how much of a pixel any points cover."""
        return self.shares.sum(-1)[:, None]


@torch.no_grad()
def splatted(places: Tensor, depths: Tensor, size: int, radius: float) -> Splats:
    """Points at places, (B, P, 2), -1..1 over pictures of `size` squared, and depths, (B, P); negative ones are left
    out. radius: pixels.

    A disc is 1 in its middle and falls linearly to 0 at its radius. Of equal depths the first point is nearer.
    """
    batch = len(places)
    pictures, points, pixels, weights = _covered(places, depths, size, radius)
    order = torch.argsort(depths[pictures, points], stable=True)
    cells = (pictures * size * size + pixels)[order]
    order = order[torch.argsort(cells, stable=True)]
    cells = pictures[order] * size * size + pixels[order]
    starts = torch.searchsorted(cells, cells)
    rank = torch.arange(len(cells), device=cells.device) - starts
    kept = rank < _PER_PIXEL
    slots = cells[kept] * _PER_PIXEL + rank[kept]
    total = batch * size * size * _PER_PIXEL
    ids = torch.full((total,), -1, device=places.device).index_copy(0, slots, points[order][kept])
    weight = torch.zeros(total, device=places.device).index_copy(0, slots, weights[order][kept])
    weight = weight.view(batch, size, size, _PER_PIXEL)
    through = torch.cat([torch.ones_like(weight[..., :1]), (1 - weight[..., :-1]).cumprod(-1)], -1)
    return Splats(ids.view(batch, size, size, _PER_PIXEL), weight * through)


def _covered(places: Tensor, depths: Tensor, size: int, radius: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each pixel whose centre is in a disc: the picture, the point, the pixel and the disc's density there."""
    ndc = radius / size * 2
    reach = int(radius) + 1
    nearest = ((places + 1) / 2 * size).floor()
    steps = torch.arange(-reach, reach + 1, device=places.device)
    columns = nearest[..., 0, None, None] + steps
    rows = nearest[..., 1, None, None] + steps[:, None]
    x, y = (((part + 0.5) / size * 2 - 1) for part in (columns, rows))
    gaps = (x - places[..., 0, None, None]).square() + (y - places[..., 1, None, None]).square()
    inside = (columns >= 0) & (rows >= 0) & (columns < size) & (rows < size)
    hits = (gaps < ndc**2) & inside & (depths >= 0)[..., None, None]
    pictures, points, down, across = hits.nonzero(as_tuple=True)
    pixels = (rows[pictures, points, down, 0] * size + columns[pictures, points, 0, across]).long()
    density = 1 - (gaps[hits] / ndc**2).clamp(_SHARPEST, 1).sqrt()
    return pictures, points, pixels, density
