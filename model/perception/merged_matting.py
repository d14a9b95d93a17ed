"""A sharp matte that loses what leaves the photo, completed by the light one.

U2-Net's outlines are good, but it was trained on whole things: arms that the photo's border cuts are often missing.
Selfie segmentation has them, with soft outlines and clouds elsewhere, so only what it finds at the border is taken from
it, and only where that is joined to the person whom the sharp one has found.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.perception.matting import Matting

_SOMEBODY = 128  # of 255
_LEAST_AREA = 0.002  # of the photo
_REACH = 0.01  # of the photo's longer side: the two mattes' outlines are that far apart

Mask = NDArray[np.bool_]


class MergedMatting:
    """sharp: whose matte it is. light: who adds to it at the photo's border."""

    def __init__(self, sharp: Matting, light: Matting) -> None:
        self._sharp, self._light = sharp, light

    def alpha(self, picture: Image.Image) -> Image.Image:
        """How much each pixel of an RGB picture belongs to people: of its size and mode L, 255 for wholly."""
        sharp, light = (np.asarray(matting.alpha(picture)) for matting in (self._sharp, self._light))
        return Image.fromarray(merged(sharp, light))


def merged(sharp: NDArray[np.uint8], light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) each: the light one's where it adds an area that touches both the border and the sharp one's person."""
    somebody = sharp >= _SOMEBODY
    near = _grown(_grown(somebody))
    count, areas = cv2.connectedComponents(_without_seams((light >= _SOMEBODY) & ~somebody).astype(np.uint8))
    added = np.zeros(sharp.shape, np.bool_)
    for number in range(1, count):
        area: Mask = areas == number
        if area.sum() >= _LEAST_AREA * area.size and _touches_border(area) and (area & near).any():
            added |= area
    return np.where(_grown(added), np.maximum(sharp, light), sharp) if added.any() else sharp


def _touches_border(area: Mask) -> bool:
    return bool(area[[0, -1]].any() or area[:, [0, -1]].any())


def _grown(area: Mask) -> Mask:
    grown: Mask = np.asarray(cv2.dilate(area.astype(np.uint8), _square(area.shape))) != 0
    return grown


def _without_seams(area: Mask) -> Mask:
    """What is wider than two outlines are apart."""
    opened: Mask = np.asarray(cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, _square(area.shape))) != 0
    return opened


def _square(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    side = 2 * max(1, round(_REACH * max(shape))) + 1
    return np.ones((side, side), np.uint8)
