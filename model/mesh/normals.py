"""Normals of faces and vertices."""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST_SQUARE = 1e-20  # of a normal's length; below it nothing says where it points


def face_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Outward normals as long as twice the face's area, so that sums of them weigh by area.

    vertices: (V, 3) or (views, V, 3). faces: (F, 3) int64, counter-clockwise from outside. Returns (..., F, 3).
    """
    a, b, c = (vertices.index_select(-2, corner) for corner in faces.unbind(1))
    return torch.linalg.cross(b - a, c - a)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals of vertices: the area-weighted mean of the faces around, (0, 0, 1) where they cancel out.

    vertices: (V, 3). faces: (F, 3) int64. Returns (V, 3); differentiable.
    """
    of_faces = face_normals(vertices, faces)
    summed = torch.zeros_like(vertices)
    for corner in faces.unbind(1):
        summed = summed.index_add(0, corner, of_faces)
    vague = (summed * summed).sum(-1, keepdim=True) <= _LEAST_SQUARE
    summed = torch.where(vague, summed.new_tensor([0.0, 0.0, 1.0]), summed)
    return summed / (summed * summed).sum(-1, keepdim=True).clamp(min=_LEAST_SQUARE).sqrt()
