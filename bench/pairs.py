"""Two ways to do one thing, taken alternately: a machine's other work then slows both, and their ratio stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

PAIRS = 7


@dataclass(frozen=True)
class Quartiles:
    """Where a quarter, half and three quarters of some values lie below."""

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Quartiles:
        """Between two neighbouring values, in proportion; of a single value, that value.

        Raises:
            ValueError: there are no values.
        """
        if not values:
            raise ValueError("quartiles of no values")
        lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
        return cls(lower, median, upper)

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.lower:.3g} to {self.upper:.3g})"


@dataclass
class Pairs:
    """Seconds on the clock, and processor seconds of all threads of this process, pair after pair."""

    plain_s: list[float] = field(default_factory=list)
    ours_s: list[float] = field(default_factory=list)
    plain_cpu_s: list[float] = field(default_factory=list)
    ours_cpu_s: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """plain / ours of each pair: above 1, ours is faster."""
        return [plain / ours for plain, ours in zip(self.plain_s, self.ours_s, strict=True)]

    @property
    def cpu_ratios(self) -> list[float]:
        """The same of processor time, which other work on the machine hardly touches."""
        return [plain / ours for plain, ours in zip(self.plain_cpu_s, self.ours_cpu_s, strict=True)]


def in_pairs(
    plain: Callable[[], object], ours: Callable[[], object], pairs: int = PAIRS, *, warm_up: bool = True
) -> Pairs:
    """Call both `pairs` times in turn. Who goes second finds caches as the other left them, so they swap every time.

    Args:
        plain, ours: return when their work is done; work on a GPU has to be waited for, see `finished`.
        warm_up: call each once before, untimed: what is built or compiled at the first call is not measured.
    """
    if warm_up:
        plain()
        ours()
    taken = Pairs()
    turns = [(plain, taken.plain_s, taken.plain_cpu_s), (ours, taken.ours_s, taken.ours_cpu_s)]
    for i in range(pairs):
        for call, seconds, cpu_seconds in turns if i % 2 == 0 else reversed(turns):
            began, used_s = time.perf_counter(), time.process_time()
            call()
            seconds.append(time.perf_counter() - began)
            cpu_seconds.append(time.process_time() - used_s)
    return taken


def finished(call: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """`call`, which then returns only when the device has done what it was given."""

    def run() -> object:
        result = call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return result

    return run
