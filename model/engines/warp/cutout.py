"""The garment in its flat picture: which pixels show it, and its colours carried on beyond its outline."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]  # (H, W, 3)
Alpha = NDArray[np.float32]  # (H, W), 0..1

_EDGE = 7  # levels within 3 x 3 pixels from which on there is an edge; soft shadows have less
_SAME = 12  # levels that are the ground's own unevenness
_KERNEL = np.ones((3, 3), np.uint8)  # a pixel and its eight neighbours
_FARTHEST = 60  # levels by which a background may change over the picture
_TINT = 0.035  # by how much the channels of a shadow may differ in how dark it makes them
_DARK = 8  # levels added, so that the ratio of dark ones means something
_SPECK = 0.02  # share of the largest piece below which another is dirt
_LEAST = 0.01  # share of the picture; a smaller garment is none
_SPREADS = (0.01, 0.04, 0.16)  # of the height
_CARRIED_AT = 128  # pixels of height at which that is computed
_KNOWN = 0.05  # share of a neighbourhood that must be garment to be believed


def garment_alpha(picture: Levels) -> Alpha:
    """All of the picture but the even background around it: white, grey or coloured, with soft shadows.

    1 everywhere if nothing else is found.
    """
    height, width = picture.shape[:2]
    background = _reached(np.asarray(cv2.medianBlur(picture, 3), np.uint8))
    garment = without_specks((~background).astype(np.uint8))
    if np.count_nonzero(garment) < _LEAST * height * width:
        return np.ones((height, width), np.float32)
    return np.asarray(cv2.GaussianBlur(garment.astype(np.float32), (3, 3), 0), np.float32)


def carried_on(picture: Levels, alpha: Alpha) -> Levels:
    """The picture with its background in the garment's nearby colours: nothing else bleeds into what is warped."""
    inside = (alpha > 0.9).astype(np.float32)
    if not inside.any():
        return picture
    height, width = alpha.shape
    scale = min(1.0, _CARRIED_AT / height)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    weight = np.asarray(cv2.resize(inside, small, interpolation=cv2.INTER_AREA), np.float32)
    colours = np.asarray(cv2.resize(picture * inside[..., None], small, interpolation=cv2.INTER_AREA), np.float32)
    filled = np.asarray(cv2.resize(_carried(colours, weight), (width, height)))
    mixed = filled + inside[..., None] * (picture - filled)
    return (mixed.clip(0, 255) + 0.5).astype(np.uint8)


def _carried(colours: NDArray[np.float32], weight: Alpha) -> NDArray[np.float32]:
    """The mean of the colours around, the nearer the better, of (h, w, 3) that were multiplied by weights, (h, w)."""
    filled = np.full(colours.shape, colours.sum((0, 1)) / weight.sum(), np.float32)
    for spread in reversed(_SPREADS):
        total, share = (_spread(plane, spread * len(weight)) for plane in (colours, weight))
        known = np.minimum(share / _KNOWN, 1)[..., None]
        filled += known * (total / np.maximum(share, 1e-4)[..., None] - filled)
    return filled


def _reached(picture: Levels) -> NDArray[np.bool_]:
    """(H, W): ground that can be reached from the border without crossing an edge, even a faint one with gaps."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    usual = np.median(border, 0).astype(np.float32)
    apart = np.abs(picture - usual).max(2)
    step = (cv2.dilate(picture, _KERNEL) - cv2.erode(picture, _KERNEL)).max(2)
    other = _otherwise(picture, usual)
    blocked = cv2.dilate(((step > _EDGE) | other).astype(np.uint8), _KERNEL)
    _, pieces = cv2.connectedComponents(1 - blocked, connectivity=4)
    on_border = np.zeros(apart.shape, np.bool_)
    on_border[[0, -1]] = on_border[:, [0, -1]] = True
    ways_in = np.unique(pieces[on_border & (blocked == 0) & (apart <= _SAME)])
    reached = np.isin(pieces, ways_in) & (blocked == 0)
    beside = cv2.dilate(reached.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # what the edge had blocked
    return np.asarray(reached | (beside & (apart <= _SAME) & ~other))


def _otherwise(picture: Levels, usual: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W): what is no ground of this colour, (3,), nor a shadow on it, which dims all channels alike."""
    light = (picture + np.float32(_DARK)) / (usual + np.float32(_DARK))
    coloured = light.max(2) - light.min(2) > _TINT
    return np.asarray(coloured | (np.abs(picture - usual).max(2) > _FARTHEST))


def without_specks(area: NDArray[np.uint8], least: float = _SPECK) -> NDArray[np.uint8]:
    """(H, W), 0 or 1, without pieces that are tiny beside the largest: smaller than that share of it."""
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(area, connectivity=8)
    areas = facts[1:, cv2.CC_STAT_AREA]
    if count < 2:
        return area
    kept = np.concatenate([[False], areas >= least * areas.max()])
    return np.asarray(kept[pieces], np.uint8)


def _spread(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.8)), np.float32)
