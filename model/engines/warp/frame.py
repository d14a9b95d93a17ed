"""Which part of a photo the networks look at: as near as they learned to see people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.engines.warp.inputs import HEIGHT, WIDTH
from model.tryon.request import Category

Window = tuple[slice, slice]  # rows and columns

# Of the frame's height, where the mask begins and ends in those made-up people whom a frame shows from nearby.
_ENDS: dict[Category, tuple[float, float]] = {
    "upper": (0.25, 0.88),
    "inner": (0.25, 0.88),
    "outer": (0.25, 0.88),
    "lower": (0.12, 0.92),
    "overall": (0.17, 0.94),
}
_WIDEST = 0.85  # of its width, that the mask may take
_WORTH = 0.9  # of the whole: a frame that is hardly smaller is not worth it


def frame(mask: NDArray[np.uint8], category: Category) -> Window:
    """A part of the networks' aspect around the mask, (h, w) of 0 and 1, or all of it."""
    whole_height, whole_width = mask.shape
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    first, last = _ENDS[category]
    deep, wide = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    height = round(max(deep / (last - first), wide / _WIDEST * HEIGHT / WIDTH))
    width = round(height * WIDTH / HEIGHT)
    if height >= _WORTH * whole_height or width > whole_width:
        return slice(0, whole_height), slice(0, whole_width)
    top = (rows[0] + rows[-1] + 1) / 2 - (first + last) / 2 * height
    left = (columns[0] + columns[-1] + 1) / 2 - width / 2
    return _within(top, height, whole_height), _within(left, width, whole_width)


def _within(start: float, length: int, whole: int) -> slice:
    first = min(max(round(start), 0), whole - length)
    return slice(first, first + length)
