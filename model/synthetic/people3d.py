"""Dressed people as meshes, from the licence-free body of the demo pack alone. Deterministic by seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.body.smplx import SHAPES, BodyModel, read_body
from model.mesh.mesh import Mesh
from model.synthetic.dressing import Surface, cloth_blur, dress
from model.synthetic.joints import JOINTS
from model.synthetic.outfit import random_outfit
from model.up2you.files import BODY
from model.weights.pack import DEMO

Pose = dict[str, tuple[float, float, float]]  # joint -> axis times angle; joints not named stay as they are

A_POSE: Pose = {"left_shoulder": (0, 0, -np.pi / 4), "right_shoulder": (0, 0, np.pi / 4)}

_SHAPE_SPREAD, _SHAPE_LIMIT = 0.8, 1.6  # of betas, so that nobody is extreme


@dataclass(frozen=True)
class Person:
    """Somebody dressed. vertices and colours: (V, 3), the clothed surface in T pose; weights: (V, 55)."""

    body: BodyModel
    betas: Tensor
    vertices: Tensor
    colours: Tensor
    weights: Tensor
    faces: Tensor

    def posed(self, pose: Pose) -> Mesh:
        """The person standing otherwise: metres, Y up, facing +Z; clothes move as the skin beneath."""
        axis_angles = torch.zeros(len(JOINTS), 3)
        for joint, vector in pose.items():
            axis_angles[list(JOINTS).index(joint)] = torch.tensor(vector)
        transforms = self.body.posed(self.betas, axis_angles).transforms
        blended = (self.weights @ transforms.flatten(1)).view(-1, 4, 4)
        vertices = (blended[:, :3, :3] @ self.vertices[..., None])[..., 0] + blended[:, :3, 3]
        return Mesh(vertices, self.faces, self.colours)


def dressed_body(seed: int) -> Mesh:
    """Somebody in A pose, with colours: one closed surface, about 54,000 vertices; the eyeballs are their own."""
    return random_person(seed).posed(A_POSE)


def random_person(seed: int) -> Person:
    """Shape, colours and cuts of clothes from one seed."""
    rng, (body, blur) = np.random.default_rng(seed), _demo_body()
    outfit = random_outfit(rng)
    spread = (_SHAPE_SPREAD * rng.normal(size=SHAPES)).clip(-_SHAPE_LIMIT, _SHAPE_LIMIT)
    betas = torch.from_numpy(spread).float()
    shaped, template, weights = (a.double().numpy() for a in (body.shaped(betas), body.template, body.weights))
    skin = Surface(shaped, template, weights, body.faces.numpy())
    eyes = body.weights[:, [list(JOINTS).index(f"{side}_eye_smplhf") for side in ("left", "right")]].sum(1) > 0.5
    worn, colours = dress(skin, outfit, eyes.numpy(), blur)
    surface = [torch.from_numpy(array).float() for array in (worn.vertices, colours, worn.weights)]
    return Person(body, betas, surface[0], surface[1], surface[2], torch.from_numpy(worn.faces))


@cache
def _demo_body() -> tuple[BodyModel, Any]:
    body = read_body(DEMO / BODY)
    return body, cloth_blur(body.template.double().numpy(), body.faces.numpy())


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
