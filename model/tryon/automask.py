"""Where to paint, from three label maps of the person: the published agnostic mask, step by step.

Label maps are (H, W) uint8. DensePose names body surfaces, the two parsings (LIP and ATR) clothes and skin.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps
from model.perception.parsing import Labels
from model.tryon.request import Category

MaskLevels = NDArray[np.uint8]  # (H, W), 0 or 1

_BACKGROUND = 0  # in all three maps
_LIP_FACE, _HAIR = 13, 2  # hair is 2 in both parsings
_HANDS_AND_FEET = (3, 4, 5, 6)  # DensePose
_LIP_LIMBS, _ATR_LIMBS = (14, 15, 16, 17), (12, 13, 14, 15)
_LIP_ACCESSORIES = (1, 3, 4, 8, 11, 18, 19)  # hat, glove, sunglasses, socks, scarf, shoes
_ATR_ACCESSORIES = (1, 3, 9, 10, 16, 17)  # hat, sunglasses, shoes, bag, scarf

_DENSE_SHRINKAGE = 4  # times, as published
_BLURRED_LEVEL = 25  # of 255: what the blur leaves above it belongs to the mask


@dataclass(frozen=True)
class _Part:
    """Labels that matter when this kind of garment is replaced."""

    lip_protected: Collection[int]  # skin and other clothes
    atr_protected: Collection[int]
    lip_clothes: Collection[int]  # what is replaced
    atr_clothes: Collection[int]
    dense: Collection[int]  # body under the new garment


_TORSO, _ARMS, _LEGS = (1, 2), tuple(range(15, 23)), tuple(range(7, 15))

_PARTS: dict[Category, _Part] = {
    "upper": _Part((16, 17, 12, 9), (12, 13, 5, 6), (5, 6, 7, 10), (4, 7), (*_TORSO, *_ARMS)),
    "lower": _Part((14, 15, 13, 5, 7), (14, 15, 11, 4), (6, 9, 10, 12), (5, 6, 7), _LEGS),
    "overall": _Part((), (), (5, 6, 7, 9, 10, 12), (4, 5, 6, 7), (*_TORSO, *_LEGS, *_ARMS)),
    "inner": _Part((16, 17, 6, 7, 9, 10, 12), (12, 13, 5, 6, 7), (5,), (4,), _TORSO),
    "outer": _Part((16, 17, 5, 6, 9, 10, 12), (12, 13, 5, 6, 7), (7,), (), (*_TORSO, *_ARMS)),
}


def agnostic_mask(maps: LabelMaps, category: Category) -> MaskLevels:
    """1 where a garment of this category is to be painted.

    Generous on purpose: convex hulls hide the shape of the garment that is worn now. What must stay, such as the
    face and hands, is cut out of it.
    """
    part = _PARTS[category]
    height, width = maps.lip.shape
    kernel = np.ones((_odd(max(width, height) // 250),) * 2, np.uint8)
    blur = _odd(max(width, height) // 25)

    face_and_hands = _hands(maps, kernel) | _is(maps.lip, [_LIP_FACE])
    kept = face_and_hands | _kept(maps, part)
    background = _is(maps.lip, [_BACKGROUND]) & _is(maps.atr, [_BACKGROUND])
    body = _body(maps.densepose, part.dense, kernel)
    area = _hulls(((1 - kept) & (1 - background)) | body)
    area = _soften(area & (1 - kept), blur)
    clothes = _is(maps.lip, part.lip_clothes) | _is(maps.atr, part.atr_clothes)
    return _labels(cv2.dilate((area | clothes) & (1 - face_and_hands), kernel))


def _hands(maps: LabelMaps, kernel: MaskLevels) -> MaskLevels:
    """Hands and feet: DensePose says where, the parsings where exactly they end."""
    near = _labels(cv2.dilate(_is(maps.densepose, _HANDS_AND_FEET), kernel))
    return near & (_is(maps.lip, _LIP_LIMBS) | _is(maps.atr, _ATR_LIMBS))


def _kept(maps: LabelMaps, part: _Part) -> MaskLevels:
    """Other clothes, other limbs, hair and accessories: they give way only to the garment's own pixels."""
    lip = _is(maps.lip, [*part.lip_protected, _HAIR, *_LIP_ACCESSORIES])
    return lip | _is(maps.atr, [*part.atr_protected, _HAIR, *_ATR_ACCESSORIES])


def _body(densepose: Labels, parts: Collection[int], kernel: MaskLevels) -> MaskLevels:
    """The body under the garment, grown at a quarter of the size."""
    height, width = densepose.shape
    small = max(1, round(width / _DENSE_SHRINKAGE)), max(1, round(height / _DENSE_SHRINKAGE))
    shrunk = cv2.resize(_is(densepose, parts), small, interpolation=cv2.INTER_NEAREST)
    grown = cv2.dilate(shrunk, kernel, iterations=2)
    return _labels(cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST))


def _hulls(area: MaskLevels) -> MaskLevels:
    """Each connected area filled to its convex hull."""
    contours, _ = cv2.findContours(area, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(area)
    for contour in contours:
        cv2.fillPoly(filled, [cv2.convexHull(contour)], 1)
    return filled


def _soften(area: MaskLevels, size: int) -> MaskLevels:
    """Rounded outlines, a little larger than before."""
    blurred = cv2.GaussianBlur(area * 255, (size, size), 0)
    return _labels(blurred >= _BLURRED_LEVEL)


def _is(labels: Labels, classes: Collection[int]) -> MaskLevels:
    return np.isin(labels, list(classes)).astype(np.uint8)


def _labels(mask: MatLike | NDArray[np.bool_]) -> MaskLevels:
    return np.asarray(mask, dtype=np.uint8)


def _odd(size: int) -> int:
    return size + 1 if size % 2 == 0 else size
