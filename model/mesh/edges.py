"""Edges of a triangle mesh: which there are, whose they are, how long they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Edges:
    """The edges of `faces`, each once.

    Half-edge h = 3 i + j runs from corner j of face i to its next corner.

    faces: (F, 3) int64.
    ends: (E, 2) int64, the lower vertex first, sorted by it and then by the other.
    of_face: (F, 3), the edge that each half-edge is.
    """

    faces: Tensor
    ends: Tensor
    of_face: Tensor

    @classmethod
    def of(cls, faces: Tensor, vertices: int) -> Edges:
        """The edges of a mesh with so many vertices."""
        following = faces.roll(-1, 1)
        keys, of_face = torch.unique(
            faces.minimum(following) * vertices + faces.maximum(following), return_inverse=True
        )
        return cls(faces, torch.stack([keys // vertices, keys % vertices], -1), of_face)

    @cached_property
    def sides(self) -> Tensor:
        """(E, 2), the half-edges that run from the lower end up and from the upper end down; -1 where there is none.

        Of several in one direction, where the surface is no manifold, the last.
        """
        upward = self.faces < self.faces.roll(-1, 1)  # (F, 3)
        slot = (2 * self.of_face + torch.where(upward, 0, 1)).flatten()
        sides = torch.full((2 * len(self.ends),), -1, device=slot.device)
        return sides.scatter_reduce(0, slot, torch.arange(len(slot), device=slot.device), "amax").view(-1, 2)

    def lengths(self, vertices: Tensor) -> Tensor:
        """(E,), given the positions, (V, 3)."""
        ends = vertices[self.ends]
        lengths: Tensor = (ends[:, 0] - ends[:, 1]).norm(dim=-1)
        return lengths

    def mean_of_neighbours(self, vertices: Tensor) -> Tensor:
        """(V, C), for each vertex the mean of the vertices it shares an edge with; 0 where there are none."""
        here, there = self.ends.T
        total = torch.zeros_like(vertices).index_add(0, here, vertices[there]).index_add(0, there, vertices[here])
        return total / self.degrees(len(vertices)).clamp(min=1)[:, None]

    def degrees(self, vertices: int) -> Tensor:
        """(V,) int64, how many edges meet in each vertex."""
        # not bincount: on a GPU that waits for the largest value
        ends = self.ends.flatten()
        return torch.zeros(vertices, dtype=ends.dtype, device=ends.device).index_add(0, ends, torch.ones_like(ends))


def dominant(priority: Tensor, cliques: Tensor, vertices: int, rounds: int, *, stable: bool = True) -> Tensor:
    """Which items have the highest priority around, (N,) bool: a parallel choice without two that touch.

    Args:
        priority: (N,); of equal ones the later counts as higher.
        cliques: (N, K), the vertices each item touches.
        vertices: how many there are.
        rounds: how far around: the highest rank travels from items to vertices and back so many times.
        stable: off, equal priorities are ranked however the device likes.
    """
    order = torch.sort(priority, stable=stable).indices
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    nowhere = torch.zeros(vertices, dtype=rank.dtype, device=rank.device)
    spread = rank
    for _ in range(rounds):
        highest = nowhere.scatter_reduce(0, cliques.flatten(), spread.repeat_interleave(cliques.shape[1]), "amax")
        spread = highest[cliques].amax(-1)
    return spread == rank
