"""Whether anybody is in a picture at all: label networks name sleeves of a garment that lies flat arms, too."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps
from model.perception.skeletons import Joints

_LIMBS = (12, 13, 14, 15)  # ATR's bare legs and arms
_BARE = 0.025  # share of the picture that is bare limbs, from which on nobody need look for joints
_CONFIDENT = 0.14  # mean confidence of joints, from which on it does not take bare limbs


def shows_somebody(maps: LabelMaps, find_joints: Callable[[], Joints | None]) -> bool:
    """Whether bare limbs and joints together tell of a person: the more of one, the less it takes of the other.

    Args:
        find_joints: (18, 3), COCO-18, or none; asked only where labels leave a doubt.
    """
    doubt = 1 - _bare_limbs(maps) / _BARE
    if doubt <= 0:
        return True
    joints = find_joints()
    return joints is not None and float(joints[:, 2].mean()) >= doubt * _CONFIDENT


def _bare_limbs(maps: LabelMaps) -> float:
    """Their share of the picture without thin lines, which are seams between other labels."""
    limbs: NDArray[np.bool_] = np.isin(maps.atr, _LIMBS)
    side = max(3, max(limbs.shape) // 100) | 1
    opened = cv2.morphologyEx(limbs.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return float(np.asarray(opened).mean())
