"""Parts of meshes, and joining them."""

from __future__ import annotations

import torch

from model.mesh.components import component_of, joined, largest_component, of_faces, without_crumbs
from model.mesh.mesh import Mesh
from tests.model.mesh.meshes import octahedron, sphere


def test_parts_are_told_apart() -> None:
    mesh = joined([sphere(1), octahedron(), sphere(2)])
    labels = component_of(mesh.faces, len(mesh.vertices))
    assert labels.bincount().tolist() == [42, 6, 162]


def test_the_largest_part_has_the_most_vertices() -> None:
    mesh = largest_component(joined([octahedron(), sphere(2), sphere(1)]))
    assert mesh.vertices.equal(sphere(2).vertices)
    assert mesh.faces.equal(sphere(2).faces)


def test_crumbs_go_but_what_is_larger_stays() -> None:
    mesh = joined([octahedron(), sphere(2), sphere(1)])  # 6, 162 and 42 of 210 vertices
    assert len(without_crumbs(mesh, 0.01).vertices) == 210
    assert len(without_crumbs(mesh, 6 / 210).vertices) == 204
    assert len(without_crumbs(mesh, 0.5).vertices) == 162


def test_some_faces_keep_their_vertices_and_colours() -> None:
    mesh = sphere(1)
    coloured = Mesh(mesh.vertices, mesh.faces, mesh.vertices.abs())
    chosen = torch.zeros(len(mesh.faces), dtype=torch.bool)
    chosen[[3, 40]] = True
    some = of_faces(coloured, chosen)
    assert some.vertices[some.faces].equal(mesh.vertices[mesh.faces[chosen]])
    assert some.colours is not None
    assert some.colours.equal(some.vertices.abs())
