"""How a body stands, by the joints that are turned; T pose is no rotation at all."""

from __future__ import annotations

import cv2
import numpy as np

from model.body.joints import JOINTS
from model.clothes.arrays import Floats

Vector = tuple[float, float, float]
JointTurns = dict[str, Vector]  # joint -> axis times angle, radians; joints not named stay as they are

SIGN = {"left": 1.0, "right": -1.0}  # which side of x a side of the body is


def axis_angles(pose: JointTurns) -> Floats:
    """(55, 3), in the body's order of joints."""
    angles = np.zeros((len(JOINTS), 3), np.float32)
    for joint, vector in pose.items():
        angles[JOINTS.index(joint)] = vector
    return angles


def flat_pose(*, long_sleeves: bool) -> JointTurns:
    """As clothes lie on a table: short sleeves halfway down, long ones farther, legs a little apart."""
    return laid_pose(1.1 if long_sleeves else 0.62)


def laid_pose(down: float, forward: float = 0.0, bend: float = 0.0) -> JointTurns:
    """The same with sleeves turned down by another angle, then forward, over the trunk, and bent at the elbow."""
    pose: JointTurns = {}
    for side, sign in SIGN.items():
        pose[f"{side}_shoulder"] = _then_forward((0.0, 0.0, -sign * down), forward)
        if bend:
            pose[f"{side}_elbow"] = (0.0, 0.0, -sign * bend)
        pose[f"{side}_hip"] = (0.0, 0.0, sign * 0.05)
    return pose


def _then_forward(turn: Vector, angle: float) -> Vector:
    """One turn after the other as one."""
    if not angle:
        return turn
    first, then = (cv2.Rodrigues(np.array(one))[0] for one in (turn, (-angle, 0.0, 0.0)))
    x, y, z = cv2.Rodrigues(then @ first)[0].ravel().tolist()
    return x, y, z
