"""What painting by formula needs: everything a function of points, (N,) or (N, 3), float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]  # float32; its precision is not written out, or every product of two would have to be cast


def edge(inside: Values, pixel: Values | float) -> Values:
    """0 outside, 1 inside, and one pixel of slope. inside: the distance from the edge, positive inside."""
    return np.clip(inside / pixel + np.float32(0.5), 0, 1)


def over(colours: Values, colour: Values | tuple[float, ...], cover: Values) -> Values:
    """`colour`, (3,) or (N, 3), laid over `colours`, (N, 3) or (3,), as far as `cover`, (N,) of 0..1, says."""
    return colours + cover[:, None] * (np.asarray(colour, np.float32) - colours)


def mixed(start: tuple[float, ...], end: tuple[float, ...], share: float) -> tuple[float, float, float]:
    """From `start` (share 0) to `end` (share 1)."""
    r, g, b = ((1 - share) * a + share * z for a, z in zip(start, end, strict=True))
    return r, g, b
