"""Joints for those who have no network for them: where two parts of a body touch, there is one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from model.perception.skeletons import COCO_18, Joints

Parts = NDArray[np.uint8]  # (H, W), DensePose's 24

# DensePose: front and back of a part have numbers of their own.
_TORSO, _HEAD = (1, 2), (23, 24)
_BETWEEN: dict[str, tuple[Sequence[int], Sequence[int]]] = {
    "right_shoulder": (_TORSO, (16, 18)),
    "right_elbow": ((16, 18), (20, 22)),
    "right_wrist": ((20, 22), (3,)),
    "left_shoulder": (_TORSO, (15, 17)),
    "left_elbow": ((15, 17), (19, 21)),
    "left_wrist": ((19, 21), (4,)),
    "right_hip": (_TORSO, (7, 9)),
    "right_knee": ((7, 9), (11, 13)),
    "right_ankle": ((11, 13), (6,)),
    "left_hip": (_TORSO, (8, 10)),
    "left_knee": ((8, 10), (12, 14)),
    "left_ankle": ((12, 14), (5,)),
}
_REACH = 1 / 64  # of the height, by which parts may be apart


def joints_of_parts(parts: Parts) -> Joints:
    """(18, 3), COCO-18 in pixels, of DensePose's labels; what is not found is all zero.

    Eyes and ears never are, the nose is the head's middle, the neck that of the shoulders, which lie near the armpits.
    """
    side = 2 * max(1, round(_REACH * len(parts))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    grown = {number: cv2.dilate((parts == number).astype(np.uint8), kernel) for number in np.unique(parts[parts > 0])}
    joints = np.zeros((len(COCO_18), 3))
    joints[0] = _middle(np.isin(parts, _HEAD))
    for name, sides in _BETWEEN.items():
        one, other = (sum((grown[n] for n in numbers if n in grown), np.zeros_like(parts)) for numbers in sides)
        joints[COCO_18.index(name)] = _middle((one > 0) & (other > 0))
    shoulders = joints[[COCO_18.index("right_shoulder"), COCO_18.index("left_shoulder")]]
    if shoulders[:, 2].all():
        joints[COCO_18.index("neck")] = shoulders.mean(0)
    return joints


def _middle(area: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(area)
    return np.array([columns.mean(), rows.mean(), 1.0]) if len(rows) else np.zeros(3)
