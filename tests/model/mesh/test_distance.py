"""Distances from points to meshes and between them."""

from __future__ import annotations

import torch
from torch import Generator

from bench.chamfer import chamfer, outer_points
from model.mesh.components import joined
from model.mesh.distance import distance_to_segments, near_edges, nearest_vertices
from model.mesh.mesh import Mesh
from model.mesh.rasterise_torch import Torch
from tests.model.mesh.meshes import octahedron, sphere


def test_distance_to_a_segment_is_to_its_inside_or_to_an_end() -> None:
    start, end = torch.tensor([0.0, 0, 0]), torch.tensor([2.0, 0, 0])
    points = torch.tensor([[1.0, 3, 0], [-3, 4, 0], [5, 0, 4], [2, 0, 0]])
    torch.testing.assert_close(distance_to_segments(points, start, end), torch.tensor([3.0, 5, 5, 0]))
    to_point = torch.tensor([10**0.5, 5, 41**0.5, 2])
    torch.testing.assert_close(distance_to_segments(points, start, start), to_point)


def test_points_near_an_edge_are_found_as_by_trying_all() -> None:
    mesh = octahedron()
    points = torch.randn(2000, 3, generator=Generator().manual_seed(0))
    triangles = mesh.vertices[mesh.faces]
    start, end = triangles.flatten(0, 1), triangles.roll(-1, 1).flatten(0, 1)
    least = distance_to_segments(points[:, None], start, end).amin(1)
    for within in (0.1, 0.4, 1.0):
        assert near_edges(points, mesh, within).equal(least < within)


def test_the_middle_of_a_large_triangle_is_not_near_to_its_edges() -> None:
    mesh = octahedron()
    middle = mesh.vertices[mesh.faces].mean(1)
    assert not near_edges(middle, mesh, 0.4).any()
    assert near_edges(middle, mesh, 0.41).all()


def test_the_nearest_vertex_to_a_vertex_is_itself() -> None:
    mesh = sphere(2)
    assert nearest_vertices(mesh.vertices * 1.1, mesh).tolist() == list(range(len(mesh.vertices)))


def test_chamfer_of_two_spheres_is_the_difference_of_their_radii() -> None:
    mesh = sphere(3)
    larger = Mesh(mesh.vertices * 1.1, mesh.faces)
    points = (outer_points(shape, Torch(), seed=0, points=5000, directions=6, size=128) for shape in (mesh, larger))
    assert abs(chamfer(*points) - 0.1) < 0.002


def test_what_lies_inside_is_not_outer() -> None:
    mesh = sphere(3)
    with_core = joined([mesh, Mesh(mesh.vertices * 0.8, mesh.faces)])
    points = outer_points(with_core, Torch(), seed=0, points=3000, directions=6, size=256)
    assert points.norm(dim=1).min() > 0.98
