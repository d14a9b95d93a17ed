"""A figure of tubes with the joints of a body: every girth and length of it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.body.joints import JOINTS
from model.mesh.mesh import Mesh

HEIGHT = 1.70
CROTCH = 0.80  # where the legs meet
GIRTHS = {"hips": (0.90, 0.170, 0.115), "waist": (1.08, 0.130, 0.095), "chest": (1.28, 0.160, 0.120)}
"""Height, half width and half depth of the trunk's three known rings."""

_PARENT = {
    "left_hip": "pelvis", "right_hip": "pelvis", "spine1": "pelvis", "left_knee": "left_hip", "right_knee": "right_hip",
    "spine2": "spine1", "left_ankle": "left_knee", "right_ankle": "right_knee", "spine3": "spine2",
    "left_foot": "left_ankle", "right_foot": "right_ankle", "neck": "spine3", "left_collar": "spine3",
    "right_collar": "spine3", "head": "neck", "left_shoulder": "left_collar", "right_shoulder": "right_collar",
    "left_elbow": "left_shoulder", "right_elbow": "right_shoulder", "left_wrist": "left_elbow",
    "right_wrist": "right_elbow", "jaw": "head", "left_eye_smplhf": "head", "right_eye_smplhf": "head",
}  # fmt: skip
_MIDDLE = {
    "pelvis": (0.95, 0), "spine1": (1.03, 0), "spine2": (1.15, 0), "spine3": (1.24, 0), "neck": (1.44, 0),
    "head": (1.51, 0), "jaw": (1.52, 0.04),
}  # fmt: skip
_LEFT = {
    "hip": (0.085, 0.88, 0), "knee": (0.085, 0.47, 0), "ankle": (0.085, 0.07, 0), "foot": (0.085, 0.02, 0.09),
    "collar": (0.06, 1.38, 0), "shoulder": (0.18, 1.38, 0), "elbow": (0.43, 1.38, 0), "wrist": (0.67, 1.38, 0),
    "eye_smplhf": (0.03, 1.60, 0.07),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """mesh: in the T pose. weights: (V, 55). parents: of the joints. joints: (55, 3)."""

    mesh: Mesh
    weights: Tensor
    parents: tuple[int, ...]
    joints: Tensor

    def posed(self, turns: dict[str, float]) -> tuple[Mesh, Tensor]:
        """The mesh and the joints with some joints turned about +Z by an angle."""
        return pose(self.mesh, self.weights, self.parents, self.joints, turns)

    def a_pose(self) -> tuple[Mesh, Tensor]:
        return self.posed({"left_shoulder": -math.pi / 4, "right_shoulder": math.pi / 4})


def pose(
    mesh: Mesh, weights: Tensor, parents: tuple[int, ...], joints: Tensor, turns: dict[str, float]
) -> tuple[Mesh, Tensor]:
    """Linear blend skinning, joint by joint."""
    chain: list[Tensor] = []
    for index, parent in enumerate(parents):
        angle = torch.tensor(turns.get(JOINTS[index], 0.0), dtype=torch.float64)
        local = torch.eye(4, dtype=torch.float64)
        local[:2, :2] = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
        local[:3, 3] = joints[index].double() - (joints[parent].double() if parent >= 0 else 0)
        chain.append(chain[parent] @ local if parent >= 0 else local)
    moved = torch.stack([matrix[:3, 3] for matrix in chain])
    rotations = torch.stack([matrix[:3, :3] for matrix in chain])
    offsets = moved - torch.einsum("jab,jb->ja", rotations, joints.double())
    blended = torch.einsum("vj,jab->vab", weights.double(), rotations), weights.double() @ offsets
    vertices = torch.einsum("vab,vb->va", blended[0], mesh.vertices.double()) + blended[1]
    return Mesh(vertices.float(), mesh.faces, mesh.colours), moved.float()


def make_figure(around: int = 24, along: int = 24) -> Figure:
    """The figure; its tubes have `along` rings of `around` vertices."""
    joints = torch.tensor([_position(name) for name in JOINTS], dtype=torch.float32)
    parents = tuple(JOINTS.index(_parent(name)) if name != "pelvis" else -1 for name in JOINTS)
    parts = [
        _tube([(y, a, b) for y, a, b in _trunk()], "y", (0.0, 0.0), around, along * 2),
        _tube(
            [(1.42, 0.05, 0.05), (1.50, 0.06, 0.07), (1.60, 0.075, 0.09), (HEIGHT, 0.03, 0.03)],
            "y",
            (0, 0),
            around,
            along,
        ),
    ]
    bones = [("pelvis", "spine1", "spine2", "spine3", "neck"), ("neck", "head")]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        leg = [(0.0, 0.05, 0.09), (0.07, 0.045, 0.05), (0.47, 0.055, 0.055), (CROTCH + 0.05, 0.08, 0.09)]
        parts.append(_tube(leg, "y", (sign * 0.085, 0.0), around, along))
        bones.append((f"{side}_hip", f"{side}_knee", f"{side}_ankle"))
        arm = [(sign * x, r, r) for x, r in ((0.15, 0.055), (0.43, 0.042), (0.67, 0.032), (0.78, 0.03))]
        parts.append(_tube(arm, "x", (1.38, 0.0), around, along))
        bones.append((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"))
    vertices, faces, weights, first = [], [], [], 0
    for (points, triangles), chain in zip(parts, bones, strict=True):
        vertices.append(points)
        faces.append(triangles + first)
        weights.append(_weights(points, chain, joints.numpy()))
        first += len(points)
    mesh = Mesh(torch.tensor(np.concatenate(vertices), dtype=torch.float32), torch.tensor(np.concatenate(faces)))
    return Figure(mesh, torch.tensor(np.concatenate(weights), dtype=torch.float32), parents, joints)


def _trunk() -> list[tuple[float, float, float]]:
    (hips, waist, chest) = (GIRTHS[name] for name in ("hips", "waist", "chest"))
    return [(CROTCH, 0.12, 0.08), hips, waist, chest, (1.38, 0.155, 0.095), (1.45, 0.08, 0.06)]


def _tube(
    rings: list[tuple[float, float, float]], axis: str, centre: tuple[float, float], around: int, along: int
) -> tuple[np.ndarray, np.ndarray]:
    """A closed tube through elliptic rings (place on the axis, two half widths), outside outwards."""
    places, first, second = (np.array(values) for values in zip(*rings, strict=True))
    order = np.argsort(places)
    # every named ring is a ring of the mesh, so that the known girths are exact
    at = np.unique(np.concatenate([places, np.linspace(places.min(), places.max(), along)]))
    widths = [np.interp(at, places[order], values[order]) for values in (first, second)]
    angle = np.arange(around) * 2 * np.pi / around
    ring = np.stack([np.cos(angle), np.sin(angle)], -1)  # (around, 2)
    spread = np.stack(widths, -1)[:, None] * ring  # (rings, around, 2)
    main = np.broadcast_to(at[:, None], spread.shape[:2])
    points = np.concatenate(
        [
            np.stack([main, spread[..., 0] + centre[0], spread[..., 1] + centre[1]], -1).reshape(-1, 3),
            [[at[0], *centre], [at[-1], *centre]],
        ]
    )
    ring_of, place = np.divmod(np.arange((len(at) - 1) * around), around)
    a, b = ring_of * around + place, ring_of * around + (place + 1) % around
    c, d = a + around, b + around
    here = np.arange(around)
    after = (here + 1) % around
    bottom, top, last = (
        np.full_like(here, index) for index in (len(points) - 2, len(points) - 1, (len(at) - 1) * around)
    )
    corners = [(a, b, c), (b, d, c), (bottom, after, here), (top, last + here, last + after)]
    faces = np.concatenate([np.stack(triangle, -1) for triangle in corners])
    # (main, first, second) is right handed as x, y, z; with y as the main axis, x is first and z second, which is not
    if axis == "x":
        return points, faces
    return points[:, [1, 0, 2]], faces[:, ::-1].copy()


def _weights(points: np.ndarray, chain: tuple[str, ...], joints: np.ndarray) -> np.ndarray:
    """Blended over 6 cm around each joint of the chain, along the line from its first joint to its last."""
    index = [JOINTS.index(name) for name in chain]
    direction = joints[index[-1]] - joints[index[0]]
    direction = direction / np.linalg.norm(direction)
    place = (points - joints[index[0]]) @ direction
    weights = np.zeros((len(points), len(JOINTS)))
    remaining = np.ones(len(points))
    for here, after in zip(index, [*index[1:], None], strict=True):
        if after is None:
            weights[:, here] = remaining
            break
        passed = np.clip((place - (joints[after] - joints[index[0]]) @ direction) / 0.06 + 0.5, 0, 1)
        weights[:, here] = remaining * (1 - passed)
        remaining = remaining * passed
    return weights


def _parent(name: str) -> str:
    if name in _PARENT:
        return _PARENT[name]
    side, finger, bone = name.split("_")[0], name.split("_")[1][:-1], int(name[-1])
    return f"{side}_wrist" if bone == 1 else f"{side}_{finger}{bone - 1}"


def _position(name: str) -> tuple[float, float, float]:
    if name in _MIDDLE:
        return (0.0, *_MIDDLE[name])
    side, _, part = name.partition("_")
    sign = 1.0 if side == "left" else -1.0
    if part in _LEFT:
        x, y, z = _LEFT[part]
    else:
        finger, bone = part[:-1], int(part[-1])
        x, y = 0.70 + 0.025 * bone, 1.38
        z = {"index": 0.02, "middle": 0.005, "ring": -0.01, "pinky": -0.025, "thumb": 0.03}[finger]
    return (sign * x, y, z)
