"""Periodic patterns averaged over pixels of any size."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values


def pulses(x: Values, share: float, pixel: Values) -> Values:
    """How much of each pixel lies in stripes of period 1, one of them around 0: exact for any size of a pixel.

    Args:
        x: (N,) where pixels have their middles, in periods.
        share: of a period that a stripe is wide.
        pixel: (N,) how many periods a pixel is wide.

    Returns:
        (N,) in 0..1.
    """
    start = x + (share - pixel) / 2
    return np.asarray((_filled(start + pixel, share) - _filled(start, share)) / pixel)


def _filled(x: Values, share: float) -> Values:
    """How much of 0..x lies in stripes that begin at whole numbers."""
    whole = np.floor(x)
    return np.asarray(share * whole + np.minimum(x - whole, share))


def staggered(x: Values, y: Values) -> tuple[Values, Values, Values]:
    """Offsets, (N,) along x and y, from the nearest point of a lattice of triangles, and the number, (N,), of its row.

    Points of a row are 1 apart, rows 0.866, the height of such a triangle, and every second row is shifted by a half.
    """
    row = np.round(y * np.float32(1 / 0.866))
    x = x + 0.5 * (row % 2)
    return x - np.round(x), y - np.float32(0.866) * row, row


def faded(cover: Values, mean: float, pixel: Values) -> Values:
    """A pattern of period 1, `cover`, (N,), gives way to its mean where a pixel is wider than a quarter of the period;
    from 7/12 on nothing else is left. pixel: (N,), in periods."""
    return cover + np.clip(3 * pixel - 0.75, 0, 1) * (mean - cover)
