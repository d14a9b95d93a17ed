"""How large each pixel is on the cloth it shows, so that patterns can be averaged over it."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values

_LARGEST = 0.05  # metres; more means that the neighbour shows something else


def footprints(index: Values, shape: tuple[int, int], *coordinates: Values) -> Values:
    """(N, C) metres: how far each of C coordinates, (N,), changes from a pixel to the next, right or down.

    Of the neighbours on both sides the nearer in the coordinate counts, so outlines and seams leave no mark.

    Args:
        index: (N,) of the pixels in a flattened picture of `shape` (H, W).
    """
    height, width = shape
    steps = []
    for coordinate in coordinates:
        plane = np.full((height + 2) * width, np.inf, np.float32)
        middle = index + width
        plane[middle] = coordinate
        across, down = (
            np.minimum(np.abs(plane[middle + step] - coordinate), np.abs(plane[middle - step] - coordinate))
            for step in (1, width)
        )
        # A pixel without neighbours in one direction is judged by the other.
        across, down = np.where(across < _LARGEST, across, 0), np.where(down < _LARGEST, down, 0)
        steps.append(np.maximum(across, down))
    return np.stack(steps, 1)
