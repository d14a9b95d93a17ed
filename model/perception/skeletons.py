"""Joints as different networks number them, brought to the two numberings that engines ask for: COCO-18 and BODY_25.

Joints are (K, 3): x, y in pixels and a confidence in 0..1, which is 0 where a joint was not found. A joint that is the
middle of two has the lower confidence of both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Joints = NDArray[np.float64]  # (K, 3)
JointSource = int | tuple[int, int] | None  # a joint, the middle of two, or none

COCO_18 = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)

# From COCO's 17 joints, which are also the first of COCO-WholeBody's 133.
_COCO_18_OF_COCO_17: Sequence[JointSource] = (0, (5, 6), 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_BODY_25_OF_HALPE_26: Sequence[JointSource] = (
    *(0, 18, 6, 8, 10, 5, 7, 9, 19, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3),
    *(20, 22, 24, 21, 23, 25),
)
_COCO_18_OF_BLAZE_33: Sequence[JointSource] = (
    *(0, (11, 12), 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7),
)
# Of BODY_25: COCO-18 with the middle of the hips in the eighth place; feet come last.
_BODY_25_OF_COCO_18: Sequence[JointSource] = (*range(8), (8, 11), *range(8, 18), *[None] * 6)
_COCO_18_OF_BODY_25: Sequence[JointSource] = (*range(8), *range(9, 19))
# COCO-WholeBody's feet: big toe, small toe, heel of the left foot, then of the right.
_FEET_OF_WHOLE_BODY = (17, 18, 19, 20, 21, 22)


def coco_18(joints: Joints) -> Joints:
    """(18, 3) from 17 (COCO), 18, 25 (BODY_25), 26 (Halpe), 33 (BlazePose) or 133 (COCO-WholeBody) joints."""
    match len(joints):
        case 18:
            return joints
        case 25:
            return _renumbered(joints, _COCO_18_OF_BODY_25)
        case 26:
            return coco_18(_renumbered(joints, _BODY_25_OF_HALPE_26))
        case 33:
            return _renumbered(joints, _COCO_18_OF_BLAZE_33)
        case 17 | 133:
            return _renumbered(joints, _COCO_18_OF_COCO_17)
    raise ValueError(f"a skeleton of {len(joints)} joints is not known")


def body_25(joints: Joints) -> Joints:
    """(25, 3) from the same. Feet are absent where the source has none."""
    if len(joints) == 25:
        return joints
    if len(joints) == 26:
        return _renumbered(joints, _BODY_25_OF_HALPE_26)
    body = _renumbered(coco_18(joints), _BODY_25_OF_COCO_18)
    if len(joints) == 133:
        body[19:] = joints[list(_FEET_OF_WHOLE_BODY)]
    return body


def _renumbered(joints: Joints, sources: Sequence[JointSource]) -> Joints:
    return np.stack([_joint(joints, source) for source in sources])


def _joint(joints: Joints, source: JointSource) -> Joints:
    match source:
        case None:
            return np.zeros(3)
        case int():
            one_joint: Joints = joints[source]
            return one_joint
        case (one, other):
            both = joints[[one, other]]
            confidence = both[:, 2].min()
            return np.array([*both[:, :2].mean(0), confidence]) if confidence > 0 else np.zeros(3)
