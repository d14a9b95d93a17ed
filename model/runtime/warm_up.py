"""Running an engine's networks at a size before the first request, so that it is no slower than the second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from model.errors import WeightsError
from model.runtime.device import Device
from model.runtime.errors import is_out_of_memory
from model.runtime.network import BatchedNetwork


@dataclass(frozen=True)
class WarmCall:
    """What a network is called with, but for the numbers in it."""

    name: str
    network: BatchedNetwork
    tensors: tuple[Tensor, ...]


class Warmable(Protocol):
    """What knows which calls its requests make: an engine."""

    @property
    def name(self) -> str: ...

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]: ...


@dataclass(frozen=True)
class Step:
    """One forward, done."""

    network: str
    rows: int
    seconds: float


def warm_up(device: Device, engine: Warmable, width: int, height: int) -> Iterator[Step]:
    """Run every network that requests of this size need, in all batches it is prepared for. Yields as it goes.

    Raises:
        WeightsError: there is not enough memory.
    """
    try:
        calls = device.at_start(lambda: iter(engine.warm_calls(width, height)))
        while (call := device.at_start(lambda: next(calls, None))) is not None:
            batches = call.network.prepare(*call.tensors)
            started = time.monotonic()
            while (rows := device.at_start(lambda: next(batches, None))) is not None:  # noqa: B023 - used at once
                yield Step(call.name, rows, time.monotonic() - started)
                started = time.monotonic()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        message = f"WARM_SIZES={width}x{height} does not fit the memory of {device.torch_device} (engine {engine.name})"
        raise WeightsError(message) from error
