"""Painting by formula: colours as functions of points, (N,) or (N, 3), float32.

Colours (N, 3) lie channel by channel in memory, a transposed (3, N): numpy is several times as fast on them.
"""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values


def edge(inside: Values, pixel: Values | float) -> Values:
    """0 outside, 1 inside, and one pixel of slope. inside: the distance from the edge, positive inside."""
    return np.asarray(np.clip(inside / pixel + np.float32(0.5), 0, 1))


def over(colours: Values, colour: Values | tuple[float, ...], cover: Values) -> Values:
    """`colour`, (3,) or (N, 3), laid over `colours`, (N, 3) or (3,), as far as `cover`, (N,) of 0..1, says."""
    below, above = (_by_channel(np.asarray(each, np.float32)) for each in (colours, colour))
    return np.asarray(below + cover * (above - below)).T


def covered(colour: tuple[float, ...], count: int) -> Values:
    """One colour `count` times, (N, 3)."""
    return np.repeat(np.asarray(colour, np.float32)[:, None], count, axis=1).T


def _by_channel(colours: Values) -> Values:
    """(3, N), or (3, 1) of a single colour."""
    return colours.T if colours.ndim == 2 else colours[:, None]


def mixed(start: tuple[float, ...], end: tuple[float, ...], share: float) -> tuple[float, float, float]:
    """From `start` (share 0) to `end` (share 1)."""
    r, g, b = ((1 - share) * a + share * z for a, z in zip(start, end, strict=True))
    return r, g, b
