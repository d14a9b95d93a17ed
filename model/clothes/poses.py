"""How a body stands, by the joints that are turned; T pose is no rotation at all."""

from __future__ import annotations

import numpy as np

from model.body.joints import JOINTS
from model.clothes.arrays import Floats

Vector = tuple[float, float, float]
Pose = dict[str, Vector]  # joint -> axis times angle, radians; joints not named stay as they are

SIGN = {"left": 1.0, "right": -1.0}  # which side of x a side of the body is


def axis_angles(pose: Pose) -> Floats:
    """(55, 3), in the body's order of joints."""
    angles = np.zeros((len(JOINTS), 3), np.float32)
    for joint, vector in pose.items():
        angles[JOINTS.index(joint)] = vector
    return angles


def flat_pose(*, long_sleeves: bool) -> Pose:
    """As clothes lie on a table: short sleeves halfway down, long ones farther, legs a little apart."""
    down = 1.1 if long_sleeves else 0.62
    arms: Pose = {f"{side}_shoulder": (0.0, 0.0, -sign * down) for side, sign in SIGN.items()}
    return arms | {f"{side}_hip": (0.0, 0.0, sign * 0.05) for side, sign in SIGN.items()}
