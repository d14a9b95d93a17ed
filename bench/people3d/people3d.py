"""Dressed people as one closed surface with colours: a truth that a reconstruction can be measured by.

The people in photos (`model.synthetic.people`) are surfaces that overlap and end at hems, right as seen by a camera. A
reconstruction is a single surface, closed, and so is the body here: its skin, pushed out where something is worn. From
the licence-free body of the demo pack alone. Deterministic by seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.people3d.dressing import Surface, cloth_blur, dress
from bench.people3d.outfit import random_outfit
from model.body.a_pose import pose_a
from model.body.joints import JOINTS
from model.body.smplx import SHAPES, BodyModel, read_body
from model.engines.up2you.files import BODY
from model.mesh.mesh import Mesh
from model.weights.pack import DEMO

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

    def a_pose(self) -> Mesh:
        """With lowered arms: metres, Y up, facing +Z; clothes move as the skin beneath."""
        transforms = pose_a(self.body, self.betas).transforms
        blended = (self.weights @ transforms.flatten(1)).view(-1, 4, 4)
        vertices = (blended[:, :3, :3] @ self.vertices[..., None])[..., 0] + blended[:, :3, 3]
        return Mesh(vertices, self.faces, self.colours)


def dressed_body(seed: int) -> Mesh:
    """Somebody in A pose, with colours: one closed surface, about 54,000 vertices; the eyeballs are their own."""
    return random_person(seed).a_pose()


def random_person(seed: int) -> Person:
    """Shape, colours and cuts of clothes from one seed."""
    rng, (body, blur) = np.random.default_rng(seed), _demo_body()
    outfit = random_outfit(rng)
    spread = (_SHAPE_SPREAD * rng.normal(size=SHAPES)).clip(-_SHAPE_LIMIT, _SHAPE_LIMIT)
    betas = torch.from_numpy(spread).float()
    shaped, template, weights = (a.double().numpy() for a in (body.shaped(betas), body.template, body.weights))
    skin = Surface(shaped, template, weights, body.faces.numpy())
    eyes = body.weights[:, [JOINTS.index(f"{side}_eye_smplhf") for side in ("left", "right")]].sum(1) > 0.5
    worn, colours = dress(skin, outfit, eyes.numpy(), blur)
    surface = [torch.from_numpy(array).float() for array in (worn.vertices, colours, worn.weights)]
    return Person(body, betas, surface[0], surface[1], surface[2], torch.from_numpy(worn.faces))


@cache
def _demo_body() -> tuple[BodyModel, Any]:
    body = read_body(DEMO / BODY)
    return body, cloth_blur(body.template.double().numpy(), body.faces.numpy())
