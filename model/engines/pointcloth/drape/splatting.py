"""Values of points into a lattice, where the largest candidate of each cell and channel stays, and back out of it.

Lattices are flat here, (B, cells, F), so that a cell's values lie together.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import embedding_bag

from model.engines.pointcloth.drape.cache import in_cache
from model.engines.pointcloth.drape.lattice import Corners


def max_splat(values: Tensor, corners: Corners, cells: int) -> Tensor:
    """(B, cells, F): in each cell the largest weight x value offered to it, and 0 where none is positive.

    values: (B, N, F). The gradient goes to the winner alone; of equal ones to the first corner's first point.
    """
    batch, _, features = values.shape
    rows = _flat(corners.cells, cells)
    splat: Tensor = _MaxSplat.apply(values, corners.weights, rows, batch * cells)  # type: ignore[no-untyped-call]
    return splat.view(batch, cells, features)


def sliced(lattice: Tensor, corners: Corners) -> Tensor:
    """(B, N, F): the weighted sum of a lattice's values, (B, cells, F), at the corners around each point."""
    batch, points, around = corners.cells.shape
    rows = _flat(corners.cells, lattice.shape[1]).view(-1, around)
    weights = corners.weights.reshape(-1, around)
    taken = embedding_bag(rows, lattice.flatten(0, 1), mode="sum", per_sample_weights=weights)
    return taken.view(batch, points, -1)


def _flat(cells: Tensor, count: int) -> Tensor:
    """(B, N, C) cells of each cloud's own lattice, as rows of all of them."""
    return cells + count * torch.arange(len(cells), device=cells.device)[:, None, None]


class _MaxSplat(Function):
    """values (B, N, F), weights and rows (B, N, C), rows in all -> (rows, F)."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, rows: Tensor, count: int) -> Tensor:
        candidates = _candidates(values, weights)
        every = rows.flatten()[:, None].expand_as(candidates)
        splat = candidates.new_zeros(count, values.shape[-1]).scatter_reduce_(0, every, candidates, "amax")
        ctx.save_for_backward(values, weights, rows, splat)
        return splat

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        values, weights, rows, splat = ctx.saved_tensors
        [given] = gradients
        largest = torch.where(splat > 0, splat, torch.inf)  # nothing wins a cell where nothing is positive
        of_values, of_weights, winners = torch.empty_like(values), torch.empty_like(weights), 0
        for some in in_cache(values, weights.shape[-1]):
            offered, flat = _candidates(values[:, some], weights[:, some]), rows[:, some].flatten()
            wins = offered == largest.index_select(0, flat)
            winners += int(wins.count_nonzero())
            _passed_on(given.index_select(0, flat), wins, (values, weights), (of_values, of_weights), some)
        if winners > int((splat > 0).count_nonzero()):  # some tie
            flat = rows.flatten()
            wins = _first(_candidates(values, weights) == largest.index_select(0, flat), rows, len(splat))
            _passed_on(given.index_select(0, flat), wins, (values, weights), (of_values, of_weights), slice(None))
        return of_values, of_weights, None, None


def _passed_on(
    given: Tensor, wins: Tensor, offered: tuple[Tensor, Tensor], gradients: tuple[Tensor, Tensor], some: slice
) -> None:
    """What winners among some points, (B N C, F), are given goes to the values and weights that made them."""
    values, weights = (tensor[:, some] for tensor in offered)
    passed = torch.where(wins, given, 0).view(*weights.shape, -1)
    gradients[1][:, some] = torch.linalg.vecdot(passed, values[:, :, None])
    gradients[0][:, some] = passed.mul_(weights[..., None]).sum(2)


def _candidates(values: Tensor, weights: Tensor) -> Tensor:
    """(B N C, F)"""
    return (weights[..., None] * values[:, :, None]).flatten(0, 2)


def _first(wins: Tensor, rows: Tensor, count: int) -> Tensor:
    """Those of `wins`, (B N C, F), that no other of their row and channel comes before."""
    batch, points, around = rows.shape
    last = points * around
    ranks = torch.arange(last, device=rows.device).view(around, points).T.flatten().repeat(batch)[:, None]
    every = rows.flatten()[:, None].expand_as(wins)
    ranked = torch.where(wins, ranks, last)
    first = ranked.new_full((count, wins.shape[1]), last).scatter_reduce_(0, every, ranked, "amin")
    return wins & (ranked == first.index_select(0, rows.flatten()))
