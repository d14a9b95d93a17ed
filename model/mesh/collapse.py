"""Edge collapse, the first third of a remeshing step (Palfinger 2022, "Continuous remeshing for inverse rendering")."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from model.mesh.edges import Edges, dominant
from model.mesh.normals import face_normals, vertex_normals

# How far around an edge that collapses no other one does, so that all collapse at once.
_ROUNDS = 3
# Of ten folded or tiny faces one gives up its longest edge, one its middle one and eight their shortest.
_DRAWS = 10


def nominated_edges(
    vertices: Tensor, edges: Edges, lengths: Tensor, min_lengths: Tensor, generator: Generator
) -> Tensor:
    """The edges that folded and too small faces want to lose, (E,) bool.

    Args:
        vertices: (V, 3).
        lengths: (E,).
        min_lengths: (V,), below which an edge there is too short.
        generator: on the CPU. One number more than there are faces is drawn and the first dropped, as published.
    """
    faces = edges.faces
    normals = face_normals(vertices, faces)  # twice the area long
    folded = (normals * vertex_normals(vertices, faces)[faces].sum(1)).sum(-1) < 0
    tiny = normals.norm(dim=-1) < min_lengths[faces].mean(-1) ** 2
    by_length = lengths[edges.of_face].argsort(dim=1, descending=True, stable=True)  # (F, 3)
    draw = torch.randint(0, _DRAWS, (len(faces) + 1,), generator=generator)[1:].clamp(max=2)
    corner = by_length.gather(1, draw.to(faces.device)[:, None])
    chosen = edges.of_face.gather(1, corner)[:, 0]
    votes = torch.zeros(len(edges.ends), dtype=torch.int64, device=faces.device)
    return votes.index_add(0, chosen, (folded | tiny).long()) > 0


def collapse_priority(edges: Edges, lengths: Tensor, min_lengths: Tensor, nominated: Tensor) -> Tensor:
    """(E,): above 0 for edges to collapse, the higher the sooner."""
    return nominated.float() + (1 - lengths / min_lengths[edges.ends].mean(-1)).clamp(min=0)


def collapse(state: Tensor, edges: Edges, priority: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Merge the ends of the edges of highest priority around; the surface keeps its topology.

    Args:
        state: (V, C), whatever vertices have; merged vertices get the mean.
        priority: (E,).

    Returns:
        Vertices and faces in their old order without those that are gone, and which vertex each was before.
    """
    vertices = len(state)
    ends = edges.ends[dominant(priority, edges.ends, vertices, _ROUNDS) & (priority > 0)]
    ends = ends[common_neighbours(ends, edges, vertices) <= 2]
    if not len(ends):
        return state, edges.faces, torch.arange(vertices, device=ends.device)
    kept, gone = ends.T
    successor = torch.arange(vertices, device=ends.device).index_copy(0, gone, kept)
    state = state.index_copy(0, kept, state[ends].mean(1))
    faces = successor[edges.faces]
    degenerate = (faces == faces.roll(-1, 1)).any(1)
    faces, kept = pack(faces[~degenerate], vertices)
    return state[kept], faces, kept


def common_neighbours(pairs: Tensor, edges: Edges, vertices: int) -> Tensor:
    """How many vertices are neighbours of both of a pair, (N,). pairs: (N, 2), no vertex in two of them."""
    pair_of = torch.full((vertices,), -1, device=pairs.device)
    pair_of = pair_of.index_copy(0, pairs.flatten(), torch.arange(len(pairs), device=pairs.device).repeat_interleave(2))
    ways = torch.cat([edges.ends, edges.ends.flip(1)])
    ways = ways[pair_of[ways[:, 0]] >= 0]
    meetings, count = torch.unique(pair_of[ways[:, 0]] * vertices + ways[:, 1], return_counts=True)
    shared = torch.zeros(len(pairs), dtype=torch.int64, device=pairs.device)
    return shared.index_add(0, meetings // vertices, (count > 1).long())


def pack(faces: Tensor, vertices: int) -> tuple[Tensor, Tensor]:
    """Faces counted without vertices that none of them has, and which vertices are left."""
    used = torch.zeros(vertices, dtype=torch.bool, device=faces.device).index_fill(0, faces.flatten(), True)
    return (used.cumsum(0) - 1)[faces], used.nonzero()[:, 0]
