"""How far points lie from a mesh."""

from __future__ import annotations

import torch
from scipy.spatial import cKDTree
from torch import Tensor

from model.mesh.edges import Edges
from model.mesh.mesh import Mesh

_LARGEST_BLOCK = 1 << 20  # pairs of a point and an edge looked at together


def near_edges(points: Tensor, mesh: Mesh, within: float) -> Tensor:
    """Which points, (P, 3), lie nearer than `within` to an edge of the mesh: (P,) bool.

    The reference asks for the distance to triangles, but takes those below a certain area, as all of a hand's are,
    by their edges.
    """
    ends = Edges.of(mesh.faces, len(mesh.vertices)).ends
    start, end = mesh.vertices[ends].unbind(1)
    to_middle, _ = cKDTree((start + end).cpu() / 2).query(points.cpu())
    to_nearest_middle = torch.from_numpy(to_middle).to(points)
    near = to_nearest_middle < within
    # Only what lies farther by no more than half an edge can be near to one, but not to a middle.
    reach = within + (end - start).norm(dim=1).max() / 2
    unsure = (~near & (to_nearest_middle < reach)).nonzero()[:, 0]
    for some in unsure.split(max(_LARGEST_BLOCK // len(ends), 1)):
        near[some] = (distance_to_segments(points[some, None], start, end) < within).any(1)
    return near


def distance_to_segments(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """How far points are from segments. All (..., 3) and broadcast together."""
    along = end - start
    share = ((points - start) * along).sum(-1) / (along * along).sum(-1).clamp(min=torch.finfo(points.dtype).tiny)
    distance: Tensor = (points - start - share.clamp(0, 1)[..., None] * along).norm(dim=-1)
    return distance


def nearest_vertices(points: Tensor, mesh: Mesh) -> Tensor:
    """(P,) int64, the vertex of the mesh nearest to each point."""
    _, nearest = cKDTree(mesh.vertices.cpu()).query(points.cpu())
    return torch.from_numpy(nearest).to(points.device)
