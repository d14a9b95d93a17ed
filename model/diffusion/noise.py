"""Where a job's standard normal numbers come from: generators of its own, on the host, so that devices draw alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Generator, Tensor

# Standard normal numbers of a given shape, float32 on the host.
Normal = Callable[[Sequence[int]], Tensor]


def normal_from(generator: Generator) -> Normal:
    """Every draw of a job from its own generator, one after the other."""
    return partial(torch.randn, generator=generator)


def normal_per_row(generators: Sequence[Generator]) -> Normal:
    """Row i comes from `generators[i]`, so it is what a run of that row alone would draw."""

    def draw(shape: Sequence[int]) -> Tensor:
        return torch.cat([torch.randn((1, *shape[1:]), generator=generator) for generator in generators])

    return draw


def seeded(seed: int, samples: int) -> Normal:
    """Row i is drawn from a generator of its own, seeded `seed` + i."""
    return normal_per_row([Generator().manual_seed(seed + i) for i in range(samples)])
