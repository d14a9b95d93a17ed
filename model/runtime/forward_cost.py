"""How much memory the forwards of a network take, learned from the forwards themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from model.runtime.allocations import gauge

T = TypeVar("T")


class ForwardCost:
    """What forwards of one network hold, as a multiple of their inputs.

    As attention holds no scores, that grows with rows and with pixels as the inputs do. The largest forward so far
    tells of all others: fixed costs weigh least in it. So only one with more inputs than ever before is measured.
    """

    def __init__(self, torch_device: torch.device) -> None:
        self._torch_device = torch_device
        self._input_bytes = 0  # of the largest
        self._multiple = 0.0

    @property
    def known(self) -> bool:
        """Whether there has been a forward."""
        return self._input_bytes > 0

    @property
    def peak_bytes(self) -> int:
        """What the largest forward so far held."""
        return self.of(self._input_bytes)

    def measured(self, input_bytes: int, forward: Callable[[], T]) -> T:
        """Run `forward`, and learn from it if it is the largest so far."""
        if input_bytes <= self._input_bytes:
            return forward()
        with gauge(self._torch_device) as allocated:
            result = forward()
        self._input_bytes, self._multiple = input_bytes, allocated.peak / input_bytes
        return result

    def of(self, input_bytes: int) -> int:
        """Bytes that a forward of such inputs is expected to hold."""
        return round(self._multiple * input_bytes)
