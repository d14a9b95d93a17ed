"""Dressed people as meshes, from the licence-free body of the demo pack alone. Deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.mesh.mesh import Mesh
from model.synthetic.dressing import Surface, dress
from model.synthetic.joints import JOINTS, PARENTS
from model.synthetic.outfit import random_outfit
from model.up2you.files import BODY
from model.weights.pack import DEMO

Array = NDArray[np.float64]
Pose = dict[str, tuple[float, float, float]]  # joint -> axis times angle; joints not named stay as they are

A_POSE: Pose = {"left_shoulder": (0, 0, -np.pi / 4), "right_shoulder": (0, 0, np.pi / 4)}

_SHAPE_SPREAD, _SHAPE_LIMIT = 0.8, 1.6  # of betas, so that nobody is extreme


@dataclass(frozen=True)
class Body:
    """The arrays of an SMPL-X file that shape and pose a body: see `model.synthetic.body_export`."""

    template: Array  # (V, 3)
    shapes: Array  # (V, 3, 10)
    regressor: Array  # (55, V)
    weights: Array  # (V, 55)
    faces: NDArray[np.int64]  # (F, 3)


@dataclass(frozen=True)
class Person:
    """Somebody dressed, in T pose. vertices and colours: (V, 3); joints: (55, 3); weights: (V, 55)."""

    vertices: Array
    colours: Array
    joints: Array
    weights: Array
    faces: NDArray[np.int64]

    def posed(self, pose: Pose) -> Mesh:
        """The person standing otherwise: metres, Y up, facing +Z."""
        turns = np.stack([_rotation(np.array(pose.get(joint, (0, 0, 0)), np.float64)) for joint in JOINTS])
        placed = np.zeros_like(self.joints)
        for i, parent in enumerate(PARENTS):
            if parent < 0:
                placed[i] = self.joints[i]
                continue
            placed[i] = placed[parent] + turns[parent] @ (self.joints[i] - self.joints[parent])
            turns[i] = turns[parent] @ turns[i]
        blended = np.tensordot(self.weights, turns, 1)  # (V, 3, 3)
        shift = self.weights @ (placed - np.einsum("jab,jb->ja", turns, self.joints))
        vertices = np.einsum("vab,vb->va", blended, self.vertices) + shift
        return Mesh(
            torch.from_numpy(vertices).float(), torch.from_numpy(self.faces), torch.from_numpy(self.colours).float()
        )


def dressed_body(seed: int) -> Mesh:
    """Somebody in A pose, with colours: one closed surface, about 54,000 vertices; the eyeballs are their own."""
    return random_person(seed).posed(A_POSE)


def random_person(seed: int) -> Person:
    """Shape, colours and cuts of clothes from one seed."""
    rng, body = np.random.default_rng(seed), read_body(DEMO / BODY)
    outfit = random_outfit(rng)
    betas = (_SHAPE_SPREAD * rng.normal(size=body.shapes.shape[2])).clip(-_SHAPE_LIMIT, _SHAPE_LIMIT)
    shaped = body.template + body.shapes @ betas
    skin = Surface(shaped, body.template, body.weights, body.faces, smoother=np.empty((0, *shaped.shape)))
    eyes = body.weights[:, [list(JOINTS).index("left_eye"), list(JOINTS).index("right_eye")]].sum(1)
    worn, colours = dress(skin, outfit, eyes > 0.5)
    return Person(worn.vertices, colours, body.regressor @ shaped, worn.weights, worn.faces)


def random_pose(rng: np.random.Generator) -> Pose:
    """Standing at ease: arms down or a little away, elbows and knees hardly bent, looking about."""
    left, right = rng.uniform(0.75, 1.25, 2)
    pose: Pose = {
        "left_shoulder": (0, rng.uniform(-0.2, 0.2), -left),
        "right_shoulder": (0, rng.uniform(-0.2, 0.2), right),
        "left_elbow": (0, -rng.uniform(0.0, 0.7), 0),
        "right_elbow": (0, rng.uniform(0.0, 0.7), 0),
        "head": (rng.uniform(-0.1, 0.15), rng.uniform(-0.35, 0.35), rng.uniform(-0.06, 0.06)),
        "spine2": (0, rng.uniform(-0.12, 0.12), rng.uniform(-0.04, 0.04)),
    }
    leg, step = rng.choice(["left", "right"]), rng.uniform(0, 0.3)
    return pose | {f"{leg}_hip": (-step, 0, 0), f"{leg}_knee": (1.2 * step, 0, 0)}


@cache
def read_body(file: Path) -> Body:
    """The body of an SMPL-X file as `model.synthetic.body_export` writes it."""
    with np.load(file, allow_pickle=False) as arrays:
        template, shapes, regressor, weights = (
            arrays[name].astype(np.float64) for name in ("v_template", "shapedirs", "J_regressor", "weights")
        )
        return Body(template, shapes, regressor, weights, arrays["f"].astype(np.int64))


def _rotation(vector: Array) -> Array:
    """(3, 3) from axis times angle, by Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
