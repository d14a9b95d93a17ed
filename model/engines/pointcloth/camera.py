"""The pinhole that photos are taken by, and the square around a body that is cut out of them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FOCAL = 5000.0  # pixels, of the published method; its bodies stand tens of metres away
_MARGIN = 1.2  # times the box of the body's vertices, as published


class CutBox(NamedTuple):
    """Of pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def widened(self, share: float) -> CutBox:
        """Larger by this factor, around its middle."""
        middle, width = (self.left + self.right) // 2, int(share * self.width)
        centre, height = (self.top + self.bottom) // 2, int(share * self.height)
        left, top = middle - width // 2, centre - height // 2
        return CutBox(left, top, left + width, top + height)

    def squared(self) -> CutBox:
        """Of the longer side."""
        if self.width > self.height:
            top = (self.top + self.bottom) // 2 - self.width // 2
            return CutBox(self.left, top, self.right, top + self.width)
        left = (self.left + self.right) // 2 - self.height // 2
        return CutBox(left, self.top, left + self.height, self.bottom)


def intrinsics(width: int, height: int, focal: float = FOCAL) -> NDArray[np.float64]:
    """(3, 3), of a picture of this size."""
    return np.array([[focal, 0, width // 2], [0, focal, height // 2], [0, 0, 1]], np.float64)


def projected(points: Tensor, camera: Tensor) -> Tensor:
    """Columns and rows in pixels, and metres from the camera, of points, both (..., 3). camera: (3, 3) or (B, 3, 3)."""
    seen = points @ camera.mT
    return torch.cat([seen[..., :2] / seen[..., 2:], seen[..., 2:]], -1)


def bounds(pixels: NDArray[np.float64]) -> CutBox:
    """The smallest box of whole pixels around places (N, 2), towards zero as the reference cuts it."""
    (left, top), (right, bottom) = pixels.min(0), pixels.max(0)
    return CutBox(int(left), int(top), int(right), int(bottom))


def square_around(vertices: NDArray[np.float64], camera: NDArray[np.float64]) -> CutBox:
    """The square around a body, (V, 3) before a camera, with a margin."""
    seen = vertices @ camera.T
    return bounds(seen[:, :2] / seen[:, 2:]).widened(_MARGIN).squared()


def cut_out(picture: NDArray[np.uint8], box: CutBox, size: int) -> NDArray[np.uint8]:
    """What a box shows of a picture, (H, W, ...), as a square of `size`; black beyond its edges."""
    part = np.zeros((box.height, box.width, *picture.shape[2:]), np.uint8)
    top, left = max(box.top, 0), max(box.left, 0)
    inside = picture[top : max(box.bottom, 0), left : max(box.right, 0)]
    row, column = top - box.top, left - box.left
    part[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def within(camera: NDArray[np.float64], box: CutBox, size: int) -> NDArray[np.float64]:
    """The camera of what `cut_out` gives."""
    shift = np.array([[1, 0, -box.left], [0, 1, -box.top], [0, 0, 1]], np.float64)
    scale = np.diag([size / box.width, size / box.height, 1.0])
    return np.asarray(scale @ shift @ camera)


def published_mask(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W): clothes in the published masks, alpha less red; the difference wraps, as theirs does."""
    return rgba[..., 3] - rgba[..., 0]
