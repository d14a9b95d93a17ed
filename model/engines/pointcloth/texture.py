"""Colours of places on an outfit, wherever its points are carried from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from model.clothes.arrays import Floats

_BLENDED, _SHARP = 4, 1e-3  # texels a place takes its colour from; metres within which one counts for all
_FAR = 0.05  # metres from a place to where it was seen; beyond, it looks as what is before or behind it
_FLAT = 0.15  # of depths, then
_TEXEL = 0.004  # metres a side of what becomes one texel
_GREY = 0.6  # of an outfit that no photo shows
MOST_TEXELS = 1 << 16


@dataclass(frozen=True)
class Texture:
    """places: (M, 3) metres, upright, on the body it was seen on. colours: (M, 3) in 0..1."""

    places: Floats
    colours: Floats

    def at(self, places: Floats) -> Floats:
        """(K, 3) of places, (K, 3). What nobody saw looks as what is before or behind it, as in a mirror."""
        gaps, near = self._tree.query(places, _few(self.places))
        unseen = gaps.reshape(len(places), -1)[:, 0] > _FAR
        colours = self._blended(gaps, near, len(places))
        if unseen.any():
            gaps, near = self._flat_tree.query(_flat(places[unseen]), _few(self.places))
            colours[unseen] = self._blended(gaps, near, int(unseen.sum()))
        return colours

    def _blended(self, gaps: NDArray[np.float64], near: NDArray[np.int64], count: int) -> Floats:
        shares = (1 / (gaps.reshape(count, -1) + _SHARP) ** 2).astype(np.float32)
        shares /= shares.sum(1, keepdims=True)
        blended: Floats = (shares[:, None] @ self.colours[near.reshape(count, -1)])[:, 0]
        return blended

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.places)

    @cached_property
    def _flat_tree(self) -> cKDTree:
        return cKDTree(_flat(self.places))


@dataclass(frozen=True)
class SeenTexels:
    """Of one photo. places, colours: (M, 3). trust: (M,), how squarely it shows each."""

    places: Floats
    colours: Floats
    trust: Floats


def texture_of(photos: Sequence[SeenTexels]) -> Texture | None:
    """What photos show, nearby texels as one; None if they show nothing."""
    places, colours = (np.concatenate([getattr(photo, name) for photo in photos]) for name in ("places", "colours"))
    trust = np.concatenate([photo.trust for photo in photos])
    if not len(places):
        return None
    side = _TEXEL
    cells = _cells(places, side)
    while cells.max() >= MOST_TEXELS:
        side *= 1.2
        cells = _cells(places, side)
    total = np.bincount(cells, trust)

    def mean(of: Floats) -> Floats:
        return np.stack([np.bincount(cells, trust * column) / total for column in of.T], 1).astype(np.float32)

    return Texture(mean(places), mean(colours))


def plain_texture(points: Floats) -> Texture:
    """Of points that no photo shows, (N, 3): grey."""
    return Texture(points, np.full((len(points), 3), _GREY, np.float32))


def _cells(places: Floats, side: float) -> NDArray[np.int64]:
    """(M,): the number of the cube that each lies in."""
    cubes = np.floor((places - places.min(0)) / side).astype(np.int64)
    wide = cubes.max(0) + 1
    numbers: NDArray[np.int64] = np.unique(
        (cubes[:, 0] * wide[1] + cubes[:, 1]) * wide[2] + cubes[:, 2], return_inverse=True
    )[1]
    return numbers


def _few(places: Floats) -> int:
    return min(_BLENDED, len(places))


def _flat(places: Floats) -> Floats:
    return places * np.array([1, 1, _FLAT], np.float32)
