"""Edge split, the second third of a remeshing step (Palfinger 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from model.mesh.edges import Edges


def split(state: Tensor, edges: Edges, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Put a vertex in the middle of the chosen edges; faces become two, three or four.

    Args:
        state: (V, C), whatever vertices have; new ones get the mean of their edge.
        chosen: (E,) bool.

    Returns:
        Vertices, the new ones last, and faces: what is left of the old ones in their place, the cut-off corners last.
    """
    ends = edges.ends[chosen]
    if not len(ends):
        return state, edges.faces
    middle_of = torch.where(chosen, chosen.cumsum(0) - 1 + len(state), -1)
    faces = edges.faces
    middles = middle_of[edges.of_face]  # (F, 3)
    cut = middles >= 0
    # What is left has, for every corner whose outgoing half-edge is split, the middle of it.
    left = torch.where(cut, middles, faces)
    # It loses the triangle of the corner, that middle, and whatever comes before the corner now.
    corners = torch.stack([faces, middles, left.roll(1, 1)], -1)  # (F, 3, 3)
    return torch.cat([state, state[ends].mean(1)]), torch.cat([left, corners[cut]])
