"""The body every avatar starts from: shaped, with its arms lowered by 45 degrees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.body.smplx import BodyModel, Posed
from model.mesh.mesh import Mesh

LEFT_SHOULDER, RIGHT_SHOULDER = 16, 17  # among SMPL-X's joints


def pose_a(body: BodyModel, betas: Tensor) -> Posed:
    """The A-pose with its joints and what each does to a point at rest. betas: (10,)."""
    axis_angles = torch.zeros(len(body.parents), 3).to(betas)
    axis_angles[LEFT_SHOULDER, 2] = -math.pi / 4
    axis_angles[RIGHT_SHOULDER, 2] = math.pi / 4
    return body.posed(betas, axis_angles)


def a_pose(body: BodyModel, betas: Tensor, *, rounded: bool = False) -> Mesh:
    """The A-pose in metres, as the body model places it. betas: (10,).

    Args:
        rounded: to tenths of millimetres, as the reference does, which hands it on as text.
    """
    vertices = pose_a(body, betas).vertices
    return Mesh(vertices.round(decimals=4) if rounded else vertices, body.faces)
