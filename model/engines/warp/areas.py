"""What the labels say about a photo at its own size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.engines.warp.cutout import without_specks
from model.engines.warp.legs import Legs, legs
from model.engines.warp.old_garment import Labels, old_garment
from model.tryon.request import Category

Plane = NDArray[np.float32]  # (h, w), 0 or 1

# ATR: hair 2, face 11, legs 12 and 13, arms 14 and 15, bag 16. DensePose: hands 3 and 4.
_IN_FRONT, _SKIN, _HANDS = (2, 12, 13, 14, 15, 16), (11, 12, 13, 14, 15), (3, 4)
_DRESS = 7  # of ATR
TOPS: tuple[Category, ...] = ("upper", "inner", "outer")  # which leave the lower part of a dress on
_MISTAKEN = 0.2  # share of its largest piece below which labels take something else for the old garment
_SURE = 1 / 128  # of the height: as near to another area a pixel may be a mixture


@dataclass(frozen=True)
class Areas:
    """mask: where anything may change. hole: where the old garment is, which vanishes. in_front: hair, limbs, hands
    and bags, which may hang before a garment. skin, ground: what surely shows skin, and what surely shows nobody.
    skirt: a dress under a top, of which what lies below the top's hem is worn on as a skirt. legs: that trousers
    hide."""

    mask: Plane
    hole: Plane
    in_front: Plane
    skin: Plane
    ground: Plane
    skirt: Plane
    legs: Legs


def areas(mask: Labels, atr: Labels, densepose: Labels, category: Category) -> Areas:
    """Of labels of one size, (h, w)."""
    hole = without_specks(old_garment(atr, mask, category), _MISTAKEN)
    return Areas(
        mask=_plane(mask),
        hole=_plane(hole),
        in_front=_plane(np.isin(atr, _IN_FRONT) | np.isin(densepose, _HANDS)),
        skin=_plane(_surely(np.isin(atr, _SKIN), hole)),
        ground=_plane(_surely((atr == 0) & (densepose == 0), hole)),
        skirt=_plane(hole & bool(category in TOPS and (atr == _DRESS).any())),
        legs=legs(densepose, atr, hole),
    )


def _plane(area: NDArray[np.generic]) -> Plane:
    return area.astype(np.float32)


def _surely(area: NDArray[np.bool_], hole: Labels) -> Labels:
    width = 2 * max(1, round(_SURE * len(hole))) + 1
    inside = cv2.erode(area.astype(np.uint8), np.ones((width, width), np.uint8), borderValue=1)
    return np.asarray((inside > 0) & (hole == 0), np.uint8)
