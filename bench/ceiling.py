"""What a device can do at best: a large matrix product and a large copy, as shares of which all else is reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.pairs import finished

_SIDE = {"cpu": 2048, "cuda": 8192}  # of square matrices: 17 GFLOP, 1.1 TFLOP
_COPIED_BYTES = {"cpu": 2**28, "cuda": 2**32}  # far more than any cache holds
_RUNS, _RUN_S = 7, 0.2


@dataclass(frozen=True)
class Ceiling:
    """Of one device, type and number of threads.

    Args:
        flops_per_s: of a matrix product, a multiply-add counted as two.
        bytes_per_s: read and written by a copy, together.
    """

    flops_per_s: float
    bytes_per_s: float


def measured_ceiling(device: torch.device, dtype: torch.dtype) -> Ceiling:
    """The best of a few runs, about 4 s: with torch's threads and settings as they are."""
    side, copied = _SIDE[device.type], _COPIED_BYTES[device.type]
    left, right = (torch.randn((side, side), device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    source = torch.ones(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return Ceiling(
        2 * side**3 / _best_s(lambda: torch.matmul(left, right, out=product), device),
        2 * copied / _best_s(lambda: target.copy_(source), device),
    )


def _best_s(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call: the best mean of several runs of calls one behind the other."""

    def run(calls: int) -> float:
        def several() -> None:
            for _ in range(calls):
                call()

        began = time.perf_counter()
        finished(several, device)()
        return (time.perf_counter() - began) / calls

    run(1)  # the first one builds and touches what the others find
    calls = max(1, round(_RUN_S / run(1)))
    return min(run(calls) for _ in range(_RUNS))
