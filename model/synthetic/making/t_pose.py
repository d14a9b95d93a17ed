"""From the way people stand when modelled to SMPL-X's T pose, by undoing linear blend skinning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.body.joints import JOINTS, PARENTS

Array = NDArray[np.float64]

_NUMBER = {name: i for i, name in enumerate(JOINTS)}
_LEG_SPREAD = 0.03  # sideways per unit of length
_FOOT_TURN = np.radians(6)  # toes outwards
_FOREARM_SHARE = 0.5  # of the hand's roll


def to_t_pose(vertices: Array, joints: Array, weights: Array) -> tuple[Array, Array]:
    """One person in T pose, the pelvis at the origin.

    The vertices are those that linear blend skinning with `weights` takes to the given ones: posed that way again,
    nothing is lost. Arms along X, palms down, fingers straight, legs nearly parallel; trunk and head stay as they are.

    Args:
        vertices, joints, weights: (V, 3), (55, 3) in metres, Y up, facing +Z, and (V, 55).
    """
    turns = _turns(joints)  # (55, 3, 3)
    placed = np.zeros_like(joints)
    for i, parent in enumerate(PARENTS[1:], start=1):
        placed[i] = placed[parent] + turns[parent] @ (joints[i] - joints[parent])
    back = turns.transpose(0, 2, 1)  # T pose to the given one
    shift = joints - np.einsum("jab,jb->ja", back, placed)
    blended = np.einsum("vj,jab->vab", weights, back)
    placed_vertices: Array = np.linalg.solve(blended, (vertices - weights @ shift)[..., None])[..., 0]
    return placed_vertices, placed


def _turns(joints: Array) -> Array:
    """(55, 3, 3): how each joint's part turns on the way to T pose, as seen from the world."""
    turns: dict[str, Array] = {name: np.eye(3) for name in JOINTS}
    for side, outward in (("left", 1.0), ("right", -1.0)):
        _turn_leg(turns, joints, side, outward)
        _turn_arm(turns, joints, side, np.array([outward, 0, 0]))
        for finger in ("index", "middle", "ring", "pinky"):
            _straighten(turns, joints, f"{side}_{finger}")
        for part in (1, 2, 3):
            turns[f"{side}_thumb{part}"] = turns[f"{side}_wrist"]
    return np.stack([turns[name] for name in JOINTS])


def _turn_leg(turns: dict[str, Array], joints: Array, side: str, outward: float) -> None:
    for joint, child in (("hip", "knee"), ("knee", "ankle")):
        bone = _bone(joints, f"{side}_{joint}", f"{side}_{child}")
        target = bone.copy()  # bent at the knee as much as before
        target[0] = outward * _LEG_SPREAD * np.linalg.norm(bone)
        turns[f"{side}_{joint}"] = _between(bone, target)
    toes = _bone(joints, f"{side}_ankle", f"{side}_foot")
    yaw = outward * _FOOT_TURN - np.arctan2(toes[0], toes[2])
    turns[f"{side}_ankle"] = turns[f"{side}_foot"] = _about_y(float(yaw))  # soles stay flat


def _turn_arm(turns: dict[str, Array], joints: Array, side: str, outward: Array) -> None:
    shoulder, elbow, wrist = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist"))
    turns[shoulder] = _between(_bone(joints, shoulder, elbow), outward)
    turns[elbow] = _between(turns[shoulder] @ _bone(joints, elbow, wrist), outward) @ turns[shoulder]
    hand = _between(turns[elbow] @ _bone(joints, wrist, f"{side}_middle1"), outward) @ turns[elbow]
    across = hand @ _bone(joints, f"{side}_pinky1", f"{side}_index1")  # shall point forwards
    roll = float(np.arctan2(across[1], across[2]))
    turns[wrist] = _about_x(roll) @ hand
    turns[elbow] = _about_x(_FOREARM_SHARE * roll) @ turns[elbow]


def _straighten(turns: dict[str, Array], joints: Array, finger: str) -> None:
    turn = turns[f"{finger.split('_')[0]}_wrist"]
    for part in (1, 2):
        bone = turn @ _bone(joints, f"{finger}{part}", f"{finger}{part + 1}")
        turns[f"{finger}{part}"] = turn = _between(bone, bone * (1, 0, 1)) @ turn
    turns[f"{finger}3"] = turn


def _bone(joints: Array, start: str, end: str) -> Array:
    bone: Array = joints[_NUMBER[end]] - joints[_NUMBER[start]]
    return bone


def _between(start: Array, end: Array) -> Array:
    """The least rotation, (3, 3), that takes one direction to another, not its opposite."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(start, end)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn: Array = np.eye(3) + cross + cross @ cross / (1 + start @ end)
    return turn


def _about_x(angle: float) -> Array:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def _about_y(angle: float) -> Array:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
