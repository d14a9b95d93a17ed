"""An engine against the plain way to try on, with the same weights on the same device."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bench.contest import Contest, Work
from model.runtime.device import Device
from model.samples.samples import small_sample

T = TypeVar("T")
Plain = TypeVar("Plain")  # the plain way
Size = tuple[int, int]  # width, height

_PHOTO = (768, 1024)
_SHIFT = 8  # pixels between two inputs' pictures


class BothWays(ABC, Generic[Plain]):
    """Both ways.

    Args:
        folder: for what goes in and comes out.
    """

    engine: Any

    def __init__(self, weights: Path, device: Device, folder: Path) -> None:
        self.device, self.folder, self.weights = device, folder, weights
        self.plain = self.plain_way(device.dtype)
        self._runner = asyncio.Runner()

    @abstractmethod
    def plain_way(self, dtype: torch.dtype) -> Plain:
        """The plain way with weights of this type."""

    @abstractmethod
    def stages(self, size: Size, pairs: int) -> list[Contest]:
        """What a try-on consists of."""

    @abstractmethod
    def whole(self, size: Size, steps: int, pairs: int) -> Contest:
        """From files of pictures to the file of the result."""

    @abstractmethod
    def around(self, size: Size) -> dict[str, Callable[[], object]]:
        """What is done to files and pictures before and after the networks."""

    @cached_property
    def exact(self) -> Plain:
        """The plain way in float32."""
        return self.plain if self.device.dtype == torch.float32 else self.plain_way(torch.float32)

    def contest(
        self, what: str, plain: Callable[[Plain], Work], ours: Work, flops: Callable[[], tuple[float, float]]
    ) -> Contest:
        """
        Args:
            plain: makes the work of a plain way.
            flops: the plain way's and ours.
        """
        way = plain(self.plain)
        exact = way if self.exact is self.plain else plain(self.exact)
        return Contest(what, way, ours, exact, flops)

    def files(self, i: int) -> dict[str, Path]:
        """Pictures as a phone sends them, unlike those of any other number."""
        files = {}
        for name, file in small_sample().items():
            picture = np.asarray(Image.open(file).resize(_PHOTO))
            files[name] = self.folder / f"{name}_{i}.png"
            Image.fromarray(np.roll(picture, _SHIFT * i, axis=1)).save(files[name])
        return files

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What comes of work of a job that is alone on the device."""

        async def alone() -> T:
            async with self.device.live(self.engine.name, 0):
                return await work()

        # Not the runner's own `run`: that writes the result out in words, for nobody and in milliseconds.
        return self._runner.get_loop().run_until_complete(alone())

    def close(self) -> None:
        self._runner.close()
        self.device.close()


def whole(steps: int) -> str:
    """What a contest of whole try-ons is called."""
    return f"a try-on of {steps} step{'s' if steps > 1 else ''}"


def pixels(file: Path) -> Tensor:
    """(H, W, 3)"""
    return torch.from_numpy(np.array(Image.open(file)))


def touch(network: nn.Module) -> None:
    """Read the weights, which may be mapped from their files and not in memory yet."""
    for tensor in network.parameters():
        tensor.sum()
