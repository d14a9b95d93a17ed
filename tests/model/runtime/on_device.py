"""A device with something to do, for tests of its queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import torch
from torch import Tensor, nn

from model.runtime.device import Device

CPU = torch.device("cpu")


class Recorder(nn.Module):
    """Doubles its rows and remembers how many came in each forward. Breaks as it is told."""

    def __init__(self, fits_rows: int = 1000) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.fits_rows = fits_rows

    def forward(self, rows: Tensor) -> Tensor:
        self.seen.append(len(rows))
        if len(rows) > self.fits_rows:
            raise torch.OutOfMemoryError("the card is full")
        if (rows < 0).any():
            raise RuntimeError("negative rows")
        return rows * 2


def run(main: Callable[[Device], Awaitable[None]], device: Device) -> None:
    async def body() -> None:
        async with asyncio.timeout(600):
            await main(device)

    try:
        asyncio.run(body())
    finally:
        device.close()


async def settled() -> None:
    """Let all other tasks go on until they wait for something that is not a turn of the loop."""
    for _ in range(100):
        await asyncio.sleep(0)


async def steps(device: Device, engine: str, count: int, call: Callable[[int], Awaitable[Tensor]]) -> list[float]:
    """A pipeline of `count` calls in a row; returns the first number of every answer."""
    async with device.live(engine, 0):
        return [float((await call(i)).flatten()[0]) for i in range(count)]


def row(value: float, count: int = 1) -> Tensor:
    return torch.full((count, 3), float(value))
