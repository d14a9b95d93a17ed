"""Two movements for a skeleton of SMPL-X's joints in any pose: breathing, and walking on the spot.

They are made up, not captured: sines in the proportions of gait studies (hips swing by 25 degrees, knees bend by 55).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from model.body.smplx import rotation_matrices
from model.mesh.skeleton import Clip

ClipName = Literal["idle", "walk"]

# A breath lasts 4 s at rest, two steps 1.1 s at an easy walk. Viewers go straight from key to key: with 17 a sine is
# off by at most 2 % of its swing, with 25 a knee, which bends and stretches within half a circle, by 0.8 degrees.
_IDLE_S, _IDLE_KEYS = 4.0, 17
_WALK_S, _WALK_KEYS = 1.1, 25
_SIDES = ("left", 1.0), ("right", -1.0)  # which side of x each is
_HANGING = 0.2, -1.0, 0.05  # where an upper arm points at rest, its own side first: straight down it would meet the hip
_FORWARD = 0.0, 0.0, 1.0  # where the skeleton faces

JointPlaces = Mapping[str, Tensor]  # of the joints in the bind pose, metres


def clip(name: ClipName, joints: JointPlaces, parents: Mapping[str, str | None]) -> Clip:
    """A movement of a skeleton. joints: of the bind pose, standing on y = 0, facing +Z. parents: of each joint."""
    seconds, keys = (_IDLE_S, _IDLE_KEYS) if name == "idle" else (_WALK_S, _WALK_KEYS)
    turn = torch.linspace(0, 2 * math.pi, keys)
    vectors = _idle(turn, joints) if name == "idle" else _walk(turn, joints)
    turns = {joint: rotation_matrices(vector) for joint, vector in vectors.items()}
    for side, sign in _SIDES:  # first down to the body's side, then what it does there
        shoulder = f"{side}_shoulder"
        turns[shoulder] = turns[shoulder] @ _hanging(joints, side, sign)
    lowest = _lowest(turns, joints, parents)
    root = joints["pelvis"] - lowest.expand(keys)[:, None] * torch.tensor([0.0, 1.0, 0.0])
    moved = {joint: quaternions(turn.expand(keys, 3, 3)) for joint, turn in turns.items()}
    return Clip(name, torch.linspace(0, seconds, keys), moved, root)


def _idle(turn: Tensor, joints: JointPlaces) -> dict[str, Tensor]:
    """Breathing, and the weight going from one foot to the other: axis angles, (T, 3), by joint."""
    across, up, along = torch.eye(3).unbind()
    breath, sway = turn.sin()[:, None], (turn + 1).cos()[:, None]
    moved = {
        "spine2": math.radians(-1.2) * breath * across,
        "neck": math.radians(0.8) * breath * across,
        "spine1": math.radians(1.0) * sway * along,
        "head": math.radians(2.5) * sway * up,
    }
    for side, sign in _SIDES:
        moved[f"{side}_shoulder"] = math.radians(1.5) * sign * breath * along
        moved[f"{side}_elbow"] = math.radians(12.0) * _bending(joints, side) * torch.ones_like(breath)
    return moved


def _walk(turn: Tensor, joints: JointPlaces) -> dict[str, Tensor]:
    """Two steps: axis angles, (T, 3), by joint."""
    across, up, _ = torch.eye(3).unbind()
    swing = turn.sin()[:, None]
    moved = {
        "pelvis": math.radians(4.0) * swing * -up,
        "spine2": math.radians(6.0) * swing * up,
        "spine3": math.radians(3.0) * torch.ones_like(swing) * across,
    }
    for (side, _), phase in zip(_SIDES, (0.0, math.pi), strict=True):
        hip = math.radians(25.0) * (turn + phase).sin()[:, None]  # forward
        knee = math.radians(8.0) + math.radians(47.0) * (turn + phase).cos().clamp(min=0)[:, None] ** 2
        moved[f"{side}_hip"] = -hip * across
        moved[f"{side}_knee"] = knee * across
        moved[f"{side}_ankle"] = (hip - knee) * 0.6 * across
        moved[f"{side}_shoulder"] = 0.8 * hip * across
        moved[f"{side}_elbow"] = (math.radians(25.0) - 0.3 * hip) * _bending(joints, side)
    return moved


def _hanging(joints: JointPlaces, side: str, sign: float) -> Tensor:
    """(3, 3): what turns an upper arm from where it is bound to the body's side."""
    arm = _direction(joints, f"{side}_shoulder", f"{side}_elbow")
    target = torch.tensor([sign * _HANGING[0], *_HANGING[1:]])
    target = target / target.norm()
    axis: Tensor = torch.linalg.cross(arm, target)
    angle = torch.atan2(axis.norm(), arm @ target)
    hanging: Tensor = rotation_matrices((axis / axis.norm().clamp(min=1e-6) * angle)[None])[0]
    return hanging


def _bending(joints: JointPlaces, side: str) -> Tensor:
    """(3,): the axis about which a forearm comes forward."""
    axis = torch.linalg.cross(_direction(joints, f"{side}_elbow", f"{side}_wrist"), torch.tensor(_FORWARD))
    unit: Tensor = axis / axis.norm()
    return unit


def _direction(joints: JointPlaces, start: str, end: str) -> Tensor:
    way = joints[end] - joints[start]
    unit: Tensor = way / way.norm()
    return unit


def _lowest(turns: Mapping[str, Tensor], joints: JointPlaces, parents: Mapping[str, str | None]) -> Tensor:
    """(T,): how high above the ground the lower foot's sole would be, if the pelvis stayed where it is."""
    heights = []
    for side, _ in _SIDES:
        ankle, toes = f"{side}_ankle", f"{side}_foot"
        frame, place = _frames(turns, joints, parents, ankle)
        for point in (joints[ankle], joints[toes]):
            sole = point * torch.tensor([1.0, 0.0, 1.0]) - joints[ankle]
            heights.append((place + frame @ sole)[:, 1])
    return torch.stack(heights).amin(0)


def _frames(
    turns: Mapping[str, Tensor], joints: JointPlaces, parents: Mapping[str, str | None], joint: str
) -> tuple[Tensor, Tensor]:
    """How a joint is turned, (T or 1, 3, 3), and where it is, (T or 1, 3), the pelvis being where it is bound."""
    parent = parents[joint]
    turn = turns.get(joint, torch.eye(3)[None])
    if parent is None:
        return turn, joints[joint][None]
    frame, place = _frames(turns, joints, parents, parent)
    return frame @ turn, place + frame @ (joints[joint] - joints[parent])


def quaternions(turns: Tensor) -> Tensor:
    """(T, 3, 3) to (T, 4), x, y, z, w, of turns by less than half a circle."""
    w = (1 + turns.diagonal(dim1=1, dim2=2).sum(1)).clamp(min=1e-9).sqrt() / 2
    x, y, z = (turns[:, a, b] - turns[:, b, a] for a, b in ((2, 1), (0, 2), (1, 0)))
    found = torch.stack([x / (4 * w), y / (4 * w), z / (4 * w), w], 1)
    unit: Tensor = found / found.norm(dim=1, keepdim=True)
    return unit
