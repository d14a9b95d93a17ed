"""Normals of faces and vertices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from model.mesh.mesh import Mesh


def face_crosses(mesh: Mesh) -> Tensor:
    """(F, 3): each face's normal, as long as twice its area."""
    a, b, c = mesh.vertices[mesh.faces].unbind(1)
    return torch.linalg.cross(b - a, c - a)


def face_normals(mesh: Mesh) -> Tensor:
    """(F, 3) of length 1; (0, 0, 1) where a face has no area."""
    return _unit(face_crosses(mesh))


def vertex_normals(mesh: Mesh) -> Tensor:
    """(V, 3) of length 1: the mean over the faces around, weighted by area; (0, 0, 1) where there is none."""
    crosses = face_crosses(mesh)
    total = torch.zeros_like(mesh.vertices)
    for corner in range(3):
        total = total.index_add(0, mesh.faces[:, corner], crosses)
    return _unit(total)


def _unit(vectors: Tensor) -> Tensor:
    length = vectors.norm(dim=-1, keepdim=True)
    up = vectors.new_tensor([0.0, 0.0, 1.0])
    return torch.where(length > 1e-20, normalize(vectors, dim=-1, eps=1e-20), up)
