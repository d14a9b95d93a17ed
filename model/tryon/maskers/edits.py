"""What a request may ask of an automatic mask: another size, a simpler shape, and to leave parts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps

Mask = NDArray[np.bool_]  # (H, W)
MaskShape = Literal["contour", "hull", "box"]
Kept = Literal["face", "hands", "hair", "shoes"]

# LIP's, ATR's and DensePose's classes of what may be kept.
_LABELS: dict[Kept, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "face": ((13,), (11,), ()),
    "hands": ((), (), (3, 4)),
    "hair": ((2,), (2,), ()),
    "shoes": ((18, 19), (9, 10), ()),
}


@dataclass(frozen=True)
class Edits:
    """grow: share of the mask's picture's height by which it grows, or shrinks if negative."""

    grow: float = 0.0
    shape: MaskShape = "contour"
    keep: tuple[Kept, ...] = field(default=())


def edited(mask: Mask, edits: Edits, maps: LabelMaps) -> Mask:
    """The mask after all edits: first its shape, then its size, at last what is kept."""
    shaped = _grown(_SHAPES[edits.shape](mask), round(edits.grow * len(mask)))
    for part in edits.keep:
        shaped = shaped & ~_part(maps, part)
    return shaped


def _part(maps: LabelMaps, part: Kept) -> Mask:
    lip, atr, dense = _LABELS[part]
    shown: Mask = np.isin(maps.lip, lip) | np.isin(maps.atr, atr) | np.isin(maps.densepose, dense)
    return shown


def _grown(mask: Mask, pixels: int) -> Mask:
    if pixels == 0:
        return mask
    side = 2 * abs(pixels) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    change = cv2.dilate if pixels > 0 else cv2.erode
    grown: Mask = np.asarray(change(mask.astype(np.uint8), disc)) != 0
    return grown


def _contour(mask: Mask) -> Mask:
    return mask


def _hull(mask: Mask) -> Mask:
    """One convex area around all of it."""
    filled = np.zeros(mask.shape, np.uint8)
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is not None:
        cv2.fillPoly(filled, [cv2.convexHull(points)], 1)
    hull: Mask = filled != 0
    return hull


def _box(mask: Mask) -> Mask:
    """One upright rectangle around all of it."""
    box = np.zeros(mask.shape, np.bool_)
    rows, columns = _span(np.asarray(mask.any(1))), _span(np.asarray(mask.any(0)))
    box[rows, columns] = True
    return box


def _span(present: Mask) -> slice:
    places = np.flatnonzero(present)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)


_SHAPES = {"contour": _contour, "hull": _hull, "box": _box}
