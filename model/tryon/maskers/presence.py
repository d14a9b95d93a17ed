"""Whether anybody is in a picture at all: label networks name sleeves of a garment that lies flat arms, too.

And pose networks find joints in folds and prints. So either is asked about what the other can bear out: bare limbs are
counted as a share of the figure that is labelled, and joints where the labels name what is to be seen there.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.label_maps import LabelMaps
from model.perception.skeletons import COCO_18, Joints

Mask = NDArray[np.bool_]  # (H, W)

_LIMBS = (12, 13, 14, 15)  # ATR's bare legs and arms
# Joints where no garment alone shows anything, and what ATR calls that there.
_SHOWN: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((1, 2, 3, 11), ("nose", "right_eye", "left_eye", "right_ear", "left_ear")),  # hat, hair, sunglasses, face
    ((14, 15), ("right_wrist", "left_wrist")),  # arms
    ((9, 10, 12, 13), ("right_ankle", "left_ankle")),  # shoes, legs
)
_BARE = 0.08  # share of the figure that is bare limbs, from which on nobody need look for joints
_BORNE_OUT = 0.06  # mean confidence of these joints, those in the wrong place counting 0, that takes no bare limbs
_REACH = 0.01  # of the picture's longer side: a joint is that near to what is to be seen there


def shows_somebody(maps: LabelMaps, find_joints: Callable[[], Joints | None]) -> bool:
    """Whether bare limbs and joints together tell of a person: the more of one, the less it takes of the other.

    Args:
        find_joints: (18, 3), COCO-18, or none; asked only where labels leave a doubt.
    """
    doubt = 1 - _bare_limbs(maps) / _BARE
    if doubt <= 0:
        return True
    joints = find_joints()
    return joints is not None and _borne_out(maps, joints) >= doubt * _BORNE_OUT


def _bare_limbs(maps: LabelMaps) -> float:
    """Their share of all that is labelled."""
    limbs = _without_seams(np.isin(maps.atr, _LIMBS))
    return float(limbs.sum() / max(1, np.count_nonzero(maps.atr)))


def _borne_out(maps: LabelMaps, joints: Joints) -> float:
    """Mean confidence of the joints that skin, hair or shoes show, 0 for one that lies elsewhere."""
    confidences = []
    for labels, names in _SHOWN:
        near = _grown(_without_seams(np.isin(maps.atr, labels)))
        for x, y, confidence in joints[[COCO_18.index(name) for name in names]]:
            inside = 0 <= x < near.shape[1] and 0 <= y < near.shape[0]
            confidences.append(confidence if inside and near[int(y), int(x)] else 0.0)
    return float(np.mean(confidences))


def _without_seams(area: Mask) -> Mask:
    """Thin lines taken off, which are seams between other labels."""
    side = max(3, max(area.shape) // 100) | 1
    opened: Mask = (
        np.asarray(cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))) != 0
    )
    return opened


def _grown(area: Mask) -> Mask:
    side = 2 * max(1, round(_REACH * max(area.shape))) + 1
    grown: Mask = np.asarray(cv2.dilate(area.astype(np.uint8), np.ones((side, side), np.uint8))) != 0
    return grown
