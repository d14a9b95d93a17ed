"""The picture as the body network sees it, and its fields at the picture's size. Steps are the published ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_BOX_HEIGHT, _SCALE = 368, 0.5  # the network sees a picture of this height times this scale
_STRIDE, _PAD_LEVEL = 8, 128  # its size is a multiple; the grey of what is added

Levels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def seen(picture: Levels) -> tuple[Levels, tuple[int, int]]:
    """A picture (H, W, 3), blue first, shrunk and padded to multiples of 8; and its size before padding, (h, w)."""
    factor = _SCALE * _BOX_HEIGHT / picture.shape[0]
    shrunk = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=_interpolation(factor)))
    height, width = shrunk.shape[:2]
    down, right = -height % _STRIDE, -width % _STRIDE
    padded = np.pad(shrunk, ((0, down), (0, right), (0, 0)), constant_values=_PAD_LEVEL)
    return padded.astype(np.uint8), (height, width)


def network_input(padded: Levels) -> Floats:
    """(1, 3, h, w) in -0.5..0.5."""
    levels = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
    return levels / np.float32(256) - np.float32(0.5)


def at_picture_size(field: Floats, shrunk: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float64]:
    """A field (C, h/8, w/8) as (H, W, C). shrunk: (h, w) without padding; size: (H, W)."""
    channels = []
    for plane in field:
        fine = cv2.resize(plane, None, fx=_STRIDE, fy=_STRIDE, interpolation=cv2.INTER_LANCZOS4)
        inside = fine[: shrunk[0], : shrunk[1]]
        channels.append(cv2.resize(inside, size[::-1], interpolation=_interpolation(size[0] / shrunk[0])))
    return np.stack(channels, axis=-1).astype(np.float64)


def _interpolation(factor: float) -> int:
    return cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4
