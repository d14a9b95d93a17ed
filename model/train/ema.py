"""Averaged weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class MovingAverage:
    """Exponential moving average of parameters, fast at first: at step n its decay is at most (1 + n) / (10 + n)."""

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        self.decay = decay
        self._parameters = [parameter.detach() for parameter in parameters]
        self.averages = [parameter.clone() for parameter in self._parameters]

    def update(self, step: int) -> None:
        """Take in the parameters as they are after `step` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.averages, self._parameters, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The parameters are the averages meanwhile, and to the bit what they were afterwards."""
        own = [parameter.clone() for parameter in self._parameters]
        torch._foreach_copy_(self._parameters, self.averages)
        try:
            yield
        finally:
            torch._foreach_copy_(self._parameters, own)
