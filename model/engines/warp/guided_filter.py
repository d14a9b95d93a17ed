"""The guided filter (He, Sun and Tang, TPAMI 2013): a rough plane takes on the edges of a photo.

Of large photos the coefficients are found in small ones, which is as good (He and Sun, arXiv 1505.00996).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_EPSILON = 1e-3  # of colours in 0..1: fainter edges than its root are none
_SYMMETRIC = [0, 1, 2, 1, 3, 4, 2, 4, 5]  # of the products rr, rg, rb, gg, gb, bb
_SMALL = 256  # height at which coefficients are found


def guided(photo: NDArray[np.uint8], plane: Floats, radius: int) -> Floats:
    """(H, W) in 0..1: what is nearest to `plane`, (H, W) in 0..1, and in windows of the radius linear in the photo's
    colours, (H, W, 3)."""
    guide = photo.astype(np.float32) / np.float32(255)
    height, width = plane.shape
    scale = min(1.0, _SMALL / height)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    guide_small, plane_small = (cv2.resize(one, small, interpolation=cv2.INTER_AREA) for one in (guide, plane))
    coefficients = _coefficients(np.asarray(guide_small), np.asarray(plane_small), max(1, round(radius * scale)))
    slope_offset = np.asarray(cv2.resize(coefficients, (width, height)), np.float32)
    refined: Floats = (slope_offset[..., :3] * guide).sum(-1) + slope_offset[..., 3]
    return refined.clip(0, 1)


def _coefficients(guide: Floats, plane: Floats, radius: int) -> Floats:
    """(h, w, 4): slopes by colour, and offset, means over all windows that a pixel is in."""
    window = (2 * radius + 1,) * 2

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, window), np.float32)

    middle, level = mean(guide), mean(plane)  # (h, w, 3), (h, w)
    covariance = mean(guide * plane[..., None]) - middle * level[..., None]
    pairs = mean(guide[..., [0, 0, 0, 1]] * guide[..., [0, 1, 2, 1]]), mean(guide[..., [1, 2]] * guide[..., [2, 2]])
    spread = np.concatenate(pairs, -1)[..., _SYMMETRIC].reshape(*plane.shape, 3, 3)
    spread += _EPSILON * np.eye(3, dtype=np.float32) - middle[..., :, None] * middle[..., None, :]
    slope = np.linalg.solve(spread, covariance[..., None])[..., 0].astype(np.float32)
    offset = level - (slope * middle).sum(-1)
    return mean(np.dstack([slope, offset]))
