"""Collapse, split and flip, against the published code's results and on meshes small enough to check by hand."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from model.mesh.collapse import collapse, collapse_priority, nominated_edges
from model.mesh.edges import Edges
from model.mesh.flip import flip
from model.mesh.remesh import remesh
from model.mesh.split import split
from tests.model.mesh.meshes import euler, golden, is_closed, octahedron, sphere


def undummied(tensors: dict[str, Tensor], *names: str) -> list[Tensor]:
    """The published code puts a vertex, an edge and a face of no meaning first; indices count it."""
    counted = {"edges", "face_to_edge", "pack_f", "split_f", "flip_f"}
    return [tensors[name][1:] - 1 if name in counted else tensors[name][1:] for name in names]


def test_edges_equal_the_published_ones() -> None:
    tensors, _ = golden("remesh_functions")
    edges = Edges.of(tensors["f"], len(tensors["v"]))
    ends, of_face, sides, lengths = undummied(tensors, "edges", "face_to_edge", "edge_to_face", "edge_length")
    assert edges.ends.equal(ends)
    assert edges.of_face.equal(of_face)
    assert torch.stack([edges.sides // 3 + 1, edges.sides % 3], -1).equal(sides)
    torch.testing.assert_close(edges.lengths(tensors["v"]), lengths, atol=1e-6, rtol=0)


def test_collapse_equals_the_published_one() -> None:
    tensors, parameters = golden("remesh_functions")
    vertices, edges = tensors["v"], Edges.of(tensors["f"], len(tensors["v"]))
    names = ("min_edge_length", "face_collapse_edges", "priority", "pack_v", "pack_f")
    shortest, nominated, priority, packed, faces = undummied(tensors, *names)
    generator = Generator().manual_seed(parameters["randint_seed"])
    found = nominated_edges(vertices, edges, edges.lengths(vertices), shortest, generator)
    assert found.equal(nominated)
    of_edges = collapse_priority(edges, edges.lengths(vertices), shortest, found)
    torch.testing.assert_close(of_edges, priority, atol=1e-6, rtol=0)
    left, left_faces, origin = collapse(vertices, edges, of_edges)
    torch.testing.assert_close(left, packed, atol=1e-6, rtol=0)
    assert left_faces.equal(faces)
    assert (vertices[origin] == left).all(1).sum() == len(left) - 19  # each of 19 collapses moved one vertex


def test_split_equals_the_published_one() -> None:
    tensors, _ = golden("remesh_functions")
    chosen, vertices, faces = undummied(tensors, "split_mask", "split_v", "split_f")
    left, left_faces = split(tensors["v"], Edges.of(tensors["f"], len(tensors["v"])), chosen)
    torch.testing.assert_close(left, vertices, atol=1e-6, rtol=0)
    assert left_faces.equal(faces)


def test_flip_equals_the_published_one() -> None:
    tensors, _ = golden("remesh_functions")
    vertices, faces, flipped = undummied(tensors, "pack_v", "pack_f", "flip_f")
    assert flip(vertices, Edges.of(faces, len(vertices)), reference=True).equal(flipped)


def test_an_open_edge_has_one_side() -> None:
    edges = Edges.of(torch.tensor([[0, 1, 2], [1, 3, 2]]), 4)
    assert edges.ends.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert (edges.sides >= 0).sum(1).tolist() == [1, 1, 2, 1, 1]
    assert edges.degrees(4).tolist() == [2, 3, 3, 2]


def test_splitting_all_edges_makes_four_of_each_face() -> None:
    mesh = octahedron()
    edges = Edges.of(mesh.faces, len(mesh.vertices))
    vertices, faces = split(mesh.vertices, edges, torch.ones(len(edges.ends), dtype=torch.bool))
    assert (len(vertices), len(faces)) == (6 + 12, 4 * 8)
    assert is_closed(faces)
    assert (outwardness(vertices, faces) > 0).all()


def test_a_collapse_that_would_pinch_the_surface_does_not_happen() -> None:
    """Two tetrahedra on one triangle: its corners have three common neighbours or ends."""
    faces = torch.tensor([[0, 1, 3], [1, 2, 3], [2, 0, 3], [1, 0, 4], [2, 1, 4], [0, 2, 4]])
    state = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.3, 0.3, 1], [0.3, 0.3, -1]])
    edges = Edges.of(faces, 5)
    rim = (edges.ends < 3).all(1)
    left, _, _ = collapse(state, edges, rim.float())
    assert len(left) == 5
    left, left_faces, _ = collapse(state, edges, (~rim).float())
    assert (len(left), len(left_faces)) == (4, 4)


def test_flip_turns_the_one_edge_between_crowded_vertices_and_keeps_the_surface() -> None:
    mesh = sphere(2)
    edges = Edges.of(mesh.faces, len(mesh.vertices))
    turned = flip(mesh.vertices, edges)
    spoilt = turned.clone()
    corners = edges.sides[100]
    a, b = (corners // 3).tolist()
    low, high = edges.ends[100].tolist()
    left, right = (turned.flatten()[corners - corners % 3 + (corners + 2) % 3]).tolist()
    spoilt[a], spoilt[b] = torch.tensor([low, right, left]), torch.tensor([high, left, right])
    mended = flip(mesh.vertices, Edges.of(spoilt, len(mesh.vertices)))
    assert set(map(frozenset, mended.tolist())) == set(map(frozenset, turned.tolist()))
    assert (outwardness(mesh.vertices, mended) > 0).all()


def test_exactly_three_candidates_are_judged_along_the_right_axis_by_default() -> None:
    """Three separate uneven kites, each with one edge to turn, lying so that the wrong axis says no."""
    generator = Generator().manual_seed(2)
    vertices, faces = [], []
    for i in range(3):
        kite, kite_faces = crowded_kite()
        rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator))
        uneven = kite + 0.25 * torch.randn(kite.shape, generator=generator)
        vertices.append(uneven @ rotation)
        faces.append(kite_faces + i * len(kite))
    mesh, triangles = torch.cat(vertices), torch.cat(faces)
    edges = Edges.of(triangles, len(mesh))
    by_default = (flip(mesh, edges) != triangles).any(1).sum()
    as_published = (flip(mesh, edges, reference=True) != triangles).any(1).sum()
    assert by_default == 6
    assert as_published < 6


def crowded_kite() -> tuple[Tensor, Tensor]:
    """A flat patch; the edge in its middle has ends of degree five and opposite vertices of degree three."""
    vertices = torch.tensor([[0, -1.0, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0], [-2, 0, 0], [2, 0, 0]])
    faces = torch.tensor([[0, 1, 2], [1, 0, 3], [0, 2, 4], [2, 1, 4], [0, 5, 3], [3, 5, 1]])
    return vertices, faces


def outwardness(vertices: Tensor, faces: Tensor) -> Tensor:
    """Positive for faces of a star-shaped surface around the origin that face away from it."""
    a, b, c = vertices[faces].unbind(1)
    outward: Tensor = (torch.linalg.cross(b - a, c - a) * (a + b + c)).sum(-1)
    return outward


def test_remeshing_a_sphere_brings_its_edges_to_the_wanted_length() -> None:
    mesh = sphere(3)
    wanted = 0.3
    state = torch.cat([mesh.vertices, torch.full((len(mesh.vertices), 1), wanted)], 1)
    edges = Edges.of(mesh.faces, len(state))
    generator = Generator().manual_seed(0)
    for _ in range(20):
        state, edges = remesh(state, edges, 0.5, 1.5, generator)
    lengths = edges.lengths(state[:, :3])
    assert lengths.max() < 1.6 * wanted
    assert lengths.mean() > 0.6 * wanted
    assert is_closed(edges.faces)
    assert euler(len(state), edges.faces) == 2
