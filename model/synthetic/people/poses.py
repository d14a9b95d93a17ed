"""How people stand: at ease, walking, a hand on the hip, arms at many angles. T pose is no rotation at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from model.clothes.poses import SIGN, JointTurns, Vector


def random_pose(rng: np.random.Generator) -> JointTurns:
    """One of many."""
    arms = _ARMS[rng.choice(len(_ARMS), p=_ARM_SHARES)]
    legs = _walking if arms is _swinging else _standing
    return legs(rng) | arms(rng) | _trunk(rng)


def _arms_down(rng: np.random.Generator) -> JointTurns:
    pose: JointTurns = {}
    for side, sign in SIGN.items():
        pose |= _arm(side, down=rng.uniform(0.95, 1.3), forward=rng.uniform(-0.15, 0.25), bend=rng.uniform(0, 0.5))
        pose[f"{side}_collar"] = (0.0, 0.0, -sign * rng.uniform(0, 0.06))
    return pose


def _arms_away(rng: np.random.Generator) -> JointTurns:
    """Any angle from nearly down to above the shoulders, elbows bent as they like."""
    pose: JointTurns = {}
    for side in SIGN:
        pose |= _arm(side, down=rng.uniform(-0.3, 1.1), forward=rng.uniform(-0.1, 0.5), bend=rng.uniform(0, 1.4))
    return pose


def _hand_on_hip(rng: np.random.Generator) -> JointTurns:
    pose, side = _arms_down(rng), str(rng.choice(list(SIGN)))
    sign, bend = SIGN[side], rng.uniform(1.15, 1.35)
    pose[f"{side}_shoulder"] = _turns((0, 0, -sign * rng.uniform(0.7, 0.9)), (-rng.uniform(0.0, 0.2), 0, 0))
    pose[f"{side}_elbow"] = (0.0, -sign * 0.35, -sign * bend)
    return pose


def _swinging(rng: np.random.Generator) -> JointTurns:
    stride = rng.uniform(0.15, 0.45)
    return _arm("left", 1.2, stride, 0.35) | _arm("right", 1.2, -stride, 0.35)


def _arm(side: str, down: float, forward: float, bend: float) -> JointTurns:
    """down: from level, forward: swung from the shoulder, bend: of the elbow, forwards; radians."""
    sign = SIGN[side]
    shoulder = _turns((-forward, 0, 0), (0, 0, -sign * down))
    return {f"{side}_shoulder": shoulder, f"{side}_elbow": (0.0, -sign * bend, 0.0)}


def _standing(rng: np.random.Generator) -> JointTurns:
    """On both legs or on one, the other a little bent."""
    free, bend = str(rng.choice(list(SIGN))), max(0.0, rng.uniform(-0.15, 0.35))
    pose: JointTurns = {
        f"{free}_hip": (-bend, 0.0, SIGN[free] * rng.uniform(0, 0.1)),
        f"{free}_knee": (1.5 * bend, 0.0, 0.0),
    }
    planted = "left" if free == "right" else "right"
    return pose | {f"{planted}_hip": (0.0, 0.0, SIGN[planted] * rng.uniform(-0.02, 0.08))}


def _walking(rng: np.random.Generator) -> JointTurns:
    """The right leg in front, as the left arm is."""
    stride = rng.uniform(0.15, 0.4)
    return {
        "right_hip": (-stride, 0.0, 0.0),
        "right_knee": (0.3 * stride, 0.0, 0.0),
        "left_hip": (0.8 * stride, 0.0, 0.0),
        "left_knee": (rng.uniform(0.2, 0.6) * stride, 0.0, 0.0),
    }


def _trunk(rng: np.random.Generator) -> JointTurns:
    return {
        "head": (rng.uniform(-0.1, 0.15), rng.uniform(-0.35, 0.35), rng.uniform(-0.08, 0.08)),
        "spine2": (rng.uniform(-0.03, 0.06), rng.uniform(-0.12, 0.12), rng.uniform(-0.06, 0.06)),
    }


def _turns(last: Vector, first: Vector) -> Vector:
    """Two rotations, one after the other."""
    x, y, z = (Rotation.from_rotvec(last) * Rotation.from_rotvec(first)).as_rotvec()
    return float(x), float(y), float(z)


_ARMS: tuple[Callable[[np.random.Generator], JointTurns], ...] = (_arms_down, _arms_away, _hand_on_hip, _swinging)
_ARM_SHARES = (0.4, 0.25, 0.2, 0.15)  # of people, made up: most let them hang
