"""Points as many at a time as a processor's cache holds, so that what is made of them on the way never leaves it."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

NUMBERS = 2**18  # float32: a megabyte, about what a core's second-level cache holds


def in_cache(x: Tensor, made_of_each: int = 1) -> Iterator[slice]:
    """Rows of x, (B, N, C), each of which becomes several; all at once where there is no such cache."""
    count = x.shape[1]
    step = count if x.is_cuda else max(1, NUMBERS // (len(x) * x.shape[2] * made_of_each))
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
