"""Weight maps as pictures, to see which photo a view took its looks from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# "jet": (position, intensity) between which each channel is linear.
_JET = (
    ((0, 0), (0.35, 0), (0.66, 1), (0.89, 1), (1, 0.5)),
    ((0, 0), (0.125, 0), (0.375, 1), (0.64, 1), (0.91, 0), (1, 0)),
    ((0, 0.5), (0.11, 1), (0.34, 1), (0.65, 0), (1, 0)),
)
_LEVELS = 256  # of a picture: one colour for each


def heat_maps(weight_maps: Tensor, alphas: Tensor) -> Tensor:
    """Each view's weights over the photos in the colours of "jet", black where there is nobody.

    As published: a softmax over all pixels of all photos, stretched to the full range within the persons.

    Args:
        weight_maps: (views, photos, g, g) >= 0.
        alphas: (photos, H, W) in 0..1.

    Returns:
        (views, photos, 3, H, W) in 0..1.
    """
    person = alphas > 0
    return torch.stack([_heat_map(maps, person) * alphas[:, None] for maps in weight_maps])


def _heat_map(maps: Tensor, person: Tensor) -> Tensor:
    sized = F.interpolate(maps[:, None].float(), person.shape[-2:], mode="bilinear")[:, 0]  # (photos, H, W)
    shares = sized.flatten().softmax(0).view_as(sized)
    inside = shares[person]
    if not inside.numel():
        return jet(torch.zeros_like(shares))
    low, high = inside.min(), inside.max()
    return jet(((shares - low) / (high - low).clamp_min(torch.finfo(shares.dtype).tiny)).clamp(0, 1) * person)


def jet(levels: Tensor) -> Tensor:
    """Colours (..., 3, H, W) of levels (..., H, W) in 0..1: blue, cyan, yellow, red, in 256 steps."""
    positions = torch.linspace(0, 1, _LEVELS, dtype=torch.float64)
    table = torch.stack([_piecewise_linear(positions, corners) for corners in _JET]).to(levels)  # (3, 256)
    index = (levels * _LEVELS).long().clamp(0, _LEVELS - 1)
    return table[:, index].movedim(0, -3)


def _piecewise_linear(positions: Tensor, corners: tuple[tuple[float, float], ...]) -> Tensor:
    x, y = torch.tensor(corners, dtype=positions.dtype).T.contiguous()
    right = torch.searchsorted(x, positions).clamp(1, len(x) - 1)
    left = right - 1
    share: Tensor = (positions - x[left]) / (x[right] - x[left])
    return torch.lerp(y[left], y[right], share)
