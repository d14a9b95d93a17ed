"""How far two sets of points are from each other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_BLOCK = 2**24  # distances at a time


class Nearest(NamedTuple):
    """Numbers of the nearest points of the other set: of_first (B, N), of_second (B, M)."""

    of_first: Tensor
    of_second: Tensor


@torch.no_grad()
def nearest(first: Tensor, second: Tensor) -> Nearest:
    """first: (B, N, D). second: (B, M, D). Blocks of the first at a time, so that memory stays small."""
    batch, count, _ = first.shape
    rows = max(1, _BLOCK // (batch * second.shape[1]))
    # |a - b|^2 without |a|^2, which does not matter to the nearest of a; around the middle, so that nothing is lost
    middle = second.mean(1, keepdim=True)
    a, b = first - middle, second - middle
    of_a, of_b = a.square().sum(-1, keepdim=True), b.square().sum(-1)[:, None]
    of_first = torch.empty(batch, count, dtype=torch.long, device=first.device)
    best = torch.full(second.shape[:2], torch.inf, dtype=first.dtype, device=first.device)
    of_second = torch.zeros(second.shape[:2], dtype=torch.long, device=first.device)
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        gaps = of_a[:, part] + of_b - 2 * a[:, part] @ b.mT
        of_first[:, part] = gaps.argmin(-1)
        least, row = gaps.min(1)
        closer = least < best
        best, of_second = torch.where(closer, least, best), torch.where(closer, row + start, of_second)
    return Nearest(of_first, of_second)


def squared_gaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances to the nearest of the other set, (B, N) and (B, M), differentiable."""
    found = nearest(first, second)
    return _to(first, second, found.of_first), _to(second, first, found.of_second)


def chamfer(first: Tensor, second: Tensor) -> Tensor:
    """The mean squared distance from each to the nearest of the other, both ways, summed; the mean of the batch."""
    there, back = squared_gaps(first, second)
    return (there.mean(1) + back.mean(1)).mean()


def _to(points: Tensor, others: Tensor, which: Tensor) -> Tensor:
    taken = others.gather(1, which[..., None].expand(-1, -1, others.shape[-1]))
    return (points - taken).square().sum(-1)
