"""Surfaces that touch themselves."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from model.mesh.repair import untouching


def welded(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    mesh = trimesh.util.concatenate(meshes)
    mesh.merge_vertices()
    return mesh


def box(*corner: float) -> trimesh.Trimesh:
    return trimesh.creation.box((1, 1, 1), trimesh.transformations.translation_matrix(corner))


def closed(vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Also for programs that weld vertices in the same place."""
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.merge_vertices()
    return bool(mesh.is_watertight and mesh.is_winding_consistent)


@pytest.mark.parametrize("corner", [(1.0, 1.0, 0.0), (1.0, 1.0, 1.0)], ids=["edge", "vertex"])
def test_boxes_that_meet_come_apart(corner: tuple[float, float, float]) -> None:
    both = welded(box(0, 0, 0), box(*corner))
    vertices, faces = untouching(both.vertices.astype(np.float32), both.faces.astype(np.int64))
    assert len(vertices) == 16
    assert closed(vertices, faces)
    assert trimesh.Trimesh(vertices, faces, process=False).volume == pytest.approx(2, rel=1e-2)


def test_triangles_back_to_back_are_left_out() -> None:
    whole = box(0, 0, 0)
    fin = np.array([[0, 1, 6], [1, 0, 6]])
    vertices, faces = untouching(whole.vertices.astype(np.float32), np.concatenate([whole.faces, fin]))
    assert np.array_equal(faces, whole.faces)
    assert np.array_equal(vertices, whole.vertices.astype(np.float32))


def test_a_surface_that_touches_nothing_stays_what_it_is() -> None:
    ball = trimesh.creation.icosphere(2)
    vertices, faces = untouching(ball.vertices.astype(np.float32), ball.faces.astype(np.int64))
    assert np.allclose(trimesh.Trimesh(vertices, faces, process=False).triangles, ball.triangles, atol=1e-6)
    assert closed(vertices, faces)


def test_an_open_surface_is_left_alone() -> None:
    half = box(0, 0, 0)
    vertices, faces = untouching(half.vertices.astype(np.float32), half.faces[:6].astype(np.int64))
    assert np.array_equal(faces, half.faces[:6])
    assert np.array_equal(vertices, half.vertices.astype(np.float32))
