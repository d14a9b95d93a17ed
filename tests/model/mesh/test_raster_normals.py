"""Normals of faces and vertices."""

from __future__ import annotations

import pytest
import torch

from model.mesh.normals import face_normals, vertex_normals
from tests.model.mesh.shapes import sphere, square


def test_a_faces_normal_is_twice_its_area_long_and_points_outside() -> None:
    vertices, faces = square(half=0.5)
    assert face_normals(vertices, faces).tolist() == [[0, 0, 1], [0, 0, 1]]
    vertices, faces = sphere(2)
    assert (face_normals(vertices, faces) * vertices[faces].mean(1)).sum(-1).min() > 0
    two = torch.stack([vertices, 2 * vertices])
    assert torch.equal(face_normals(two, faces)[0], face_normals(vertices, faces))


def test_larger_faces_weigh_more() -> None:
    # Two triangles share vertex 0: one of area 1/2 that faces +z, one of area 3/2 that faces +x.
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 3, 0], [0, 0, 1]])
    faces = torch.tensor([[0, 1, 2], [0, 3, 4]])
    assert vertex_normals(vertices, faces)[0].tolist() == pytest.approx([3 / 10**0.5, 0, 1 / 10**0.5])


def test_vertices_without_a_direction_point_forward() -> None:
    vertices, faces = square()
    alone = torch.cat([vertices, torch.ones(1, 3)])
    folded = torch.cat([faces, faces.flip(1)])  # cancels out
    assert vertex_normals(alone, folded).tolist() == [[0, 0, 1]] * 5


def test_normals_stay_finite_under_the_gradient() -> None:
    vertices = torch.zeros(3, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(vertex_normals(vertices, torch.tensor([[0, 1, 2]])).sum(), vertices)
    assert gradient.isfinite().all()
