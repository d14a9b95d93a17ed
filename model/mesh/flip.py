"""Edge flip, the last third of a remeshing step (Palfinger 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from model.mesh.edges import Edges, dominant


def flip(vertices: Tensor, edges: Edges, *, reference: bool = False) -> Tensor:
    """Turn edges in the two triangles beside them where that brings the degrees of the four vertices closer to six.

    Args:
        vertices: (V, 3).
        edges: of which those with one face only never flip.
        reference: as published: ties are broken as torch happens to sort (on the CPU, where that depends on the
            processor), and when exactly three edges could flip, whether their triangles keep facing the same way is
            judged by cross products along the wrong axis.

    Returns:
        The faces, (F, 3), each in its old place.
    """
    faces = edges.faces
    inner = (edges.sides >= 0).all(1)
    sides = edges.sides.clamp(min=0)
    opposite = faces.flatten()[sides - sides % 3 + (sides + 2) % 3]  # (E, 2)
    degrees = edges.degrees(len(vertices))
    excess = 2 + degrees[opposite].sum(1) - degrees[edges.ends].sum(1)
    wanted = inner & (excess < 0)
    around, sides = torch.cat([edges.ends, opposite], 1)[wanted], sides[wanted]  # (N, 4), (N, 2)
    chosen = dominant(-excess[wanted], around, len(vertices), 1, stable=not reference)
    low, high, left, right = around.T
    turned = torch.stack([torch.stack([low, right, left], 1), torch.stack([high, left, right], 1)], 1)  # (N, 2, 3)
    along = 0 if reference and len(around) == 3 else -1
    before = _normals(vertices[faces[sides // 3]], along).sum(1, keepdim=True)
    upright = (_normals(vertices[turned], along) * before).sum(-1) > 0  # (N, 2)
    # what does not flip goes to a row of its own, which is cut off: that costs no look at how many there are
    places = torch.where((chosen & upright.all(1))[:, None], sides // 3, len(faces))
    rows = torch.cat([faces, faces.new_zeros(1, 3)])
    turned_rows: Tensor = rows.index_copy(0, places.flatten(), turned.flatten(0, 1))
    return turned_rows[:-1]


def _normals(corners: Tensor, along: int) -> Tensor:
    """(..., 3) of triangles, (..., 3, 3)."""
    first, second, third = corners.unbind(-2)
    normals: Tensor = torch.linalg.cross(second - first, third - first, dim=along)
    return normals
