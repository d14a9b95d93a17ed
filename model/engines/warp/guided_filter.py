"""The guided filter (He, Sun and Tang, TPAMI 2013): a rough plane takes on the edges of a photo."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_EPSILON = 1e-3  # of colours in 0..1: fainter edges than its root are none
_SYMMETRIC = [0, 1, 2, 1, 3, 4, 2, 4, 5]  # of the products rr, rg, rb, gg, gb, bb


def guided(photo: NDArray[np.uint8], plane: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """(H, W) in 0..1: what is nearest to `plane`, (H, W) in 0..1, and in windows of the radius linear in the photo's
    colours, (H, W, 3)."""
    guide = photo.astype(np.float32) / np.float32(255)
    window = (2 * radius + 1,) * 2

    def mean(values: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(values, window), np.float32)

    middle, level = mean(guide), mean(plane)  # (H, W, 3), (H, W)
    covariance = mean(guide * plane[..., None]) - middle * level[..., None]
    pairs = mean(guide[..., [0, 0, 0, 1]] * guide[..., [0, 1, 2, 1]]), mean(guide[..., [1, 2]] * guide[..., [2, 2]])
    spread = np.concatenate(pairs, -1)[..., _SYMMETRIC].reshape(*plane.shape, 3, 3)
    spread += _EPSILON * np.eye(3, dtype=np.float32) - middle[..., :, None] * middle[..., None, :]
    slope = np.linalg.solve(spread, covariance[..., None])[..., 0].astype(np.float32)
    offset = level - (slope * middle).sum(-1)
    refined: NDArray[np.float32] = ((mean(slope) * guide).sum(-1) + mean(offset)).clip(0, 1)
    return refined
