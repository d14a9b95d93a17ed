"""Two parsings of one person as OOTDiffusion's mask wants them: ATR's labels without holes in clothes, and a neck."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]  # (H, W)
Mask = NDArray[np.bool_]  # (H, W)

NECK = 18  # the label behind ATR's last
_UPPER, _ATR_FACE, _LIP_FACE = 4, 11, 13
_ARMS = (14, 15)
_LARGE_HOLE = 2000  # pixels at 384 x 512: an opening that is meant, such as that of a jacket


def with_neck(atr: Labels, lip: Labels) -> Labels:
    """ATR's labels 0..17, and `NECK` where ATR sees the head and LIP no face. Both (H, W), as the result."""
    labels = _without_holes(atr)
    labels[(labels == _ATR_FACE) & (lip != _LIP_FACE)] = NECK
    return labels


def _without_holes(atr: Labels) -> Labels:
    """What clothes and arms enclose becomes clothes, but for arms and large holes."""
    padded = np.pad(atr, 1)
    arms = np.isin(padded, _ARMS)
    whole = arms | (padded == _UPPER)
    filled = _filled(whole)
    # As published, both are added in eight bits: where a large hole's outline runs over an arm, neither is protected.
    protected = (_large_areas(filled & ~whole) + arms.astype(np.uint8)) != 0
    labels = np.where(filled & ~protected, np.uint8(_UPPER), padded)
    return np.ascontiguousarray(labels[1:-1, 1:-1])


def _filled(mask: Mask) -> Mask:
    outside = mask.astype(np.uint8)
    cv2.floodFill(outside, None, (0, 0), 1)
    filled: Mask = mask | (outside == 0)
    return filled


def _large_areas(mask: Mask) -> NDArray[np.uint8]:
    """255 inside the simplified outlines of large areas, which run a pixel over them."""
    # From a picture of 32 bits, as published: OpenCV traces those one pixel outside.
    contours, _ = cv2.findContours(mask.astype(np.int32), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    drawn = np.zeros(mask.shape, np.uint8)
    for i, contour in enumerate(contours):
        if cv2.contourArea(contour) > _LARGE_HOLE:
            cv2.drawContours(drawn, contours, i, 255, thickness=cv2.FILLED)
    return drawn
