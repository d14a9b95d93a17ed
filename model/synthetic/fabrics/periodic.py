"""Periodic patterns averaged over pixels of any size."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values


def pulses(x: Values, share: float, pixel: Values) -> Values:
    """How much of a pixel lies in a train of pulses of period 1, one around 0: exact for any size of a pixel."""
    start = x + (share - pixel) / 2
    return np.asarray((_filled(start + pixel, share) - _filled(start, share)) / pixel)


def _filled(x: Values, share: float) -> Values:
    """How much of 0..x lies in pulses that begin at whole numbers."""
    whole = np.floor(x)
    return np.asarray(share * whole + np.minimum(x - whole, share))


def staggered(x: Values, y: Values) -> tuple[Values, Values, Values]:
    """From the nearest of points in rows half as far apart as the points in them: offsets, and the row's number."""
    row = np.round(y * np.float32(1 / 0.866))
    x = x + 0.5 * (row % 2)
    return x - np.round(x), y - np.float32(0.866) * row, row


def faded(cover: Values, mean: float, pixel: Values) -> Values:
    """A pattern of period 1 gives way to its mean where a pixel holds much of a period."""
    return cover + np.clip(3 * pixel - 0.75, 0, 1) * (mean - cover)
