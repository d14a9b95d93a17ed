"""Colours of points, from the photos that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from torch import Tensor

from model.clothes.arrays import Floats, Values

_GREY = 0.6  # of an outfit that no photo shows
_NEIGHBOURS = 6  # seen points whose mean colour one takes that nobody sees


@dataclass(frozen=True)
class PointsInPhoto:
    """places: (N, 2), -1..1 over the picture. trust: (N,), 0 where the photo does not show a point. picture: (S, S, 3)
    in 0..1. mask: (S, S) bool, where it shows the outfit."""

    places: Tensor
    trust: Tensor
    picture: Tensor
    mask: Tensor


def coloured(points: Floats, photos: Sequence[PointsInPhoto]) -> Floats:
    """(N, 3), 0..1: each point's mean over the photos that show it; what none shows is as its neighbours are."""
    total: Values = np.zeros((len(points), 3))
    weight: Values = np.zeros(len(points))
    for photo in photos:
        found, shown = _sampled(photo)
        trust = (photo.trust * shown).numpy(force=True)
        total += found.numpy(force=True) * trust[:, None]
        weight += trust
    seen = weight > 1e-3
    if not seen.any():
        return np.full((len(points), 3), _GREY, np.float32)
    colours = total[seen] / weight[seen, None]
    tree = cKDTree(points[seen])
    gaps, nearest = tree.query(points, min(_NEIGHBOURS, int(seen.sum())))
    gaps, nearest = gaps.reshape(len(points), -1), nearest.reshape(len(points), -1)
    shares = 1 / (gaps + 1e-4)
    around: Values = (shares[..., None] * colours[nearest]).sum(1) / shares.sum(1, keepdims=True)
    around[seen] = colours
    rounded: Floats = around.astype(np.float32)
    return rounded


def _sampled(photo: PointsInPhoto) -> tuple[Tensor, Tensor]:
    size = photo.picture.shape[0]
    cells = ((photo.places + 1) / 2 * size).floor().clamp(0, size - 1).long()
    inside = (photo.places.abs() <= 1).all(-1)
    row, column = cells[:, 1], cells[:, 0]
    return photo.picture[row, column], (inside & photo.mask[row, column]).float()
