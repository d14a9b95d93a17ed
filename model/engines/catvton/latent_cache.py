"""What the encoder made of the pictures used last, so that one person with many garments is encoded once.

Remembered is the distribution that latents are drawn from, not the draw: every request draws with noise of its own, and
its result does not tell whether it found its pictures here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from torch import Tensor

Moments = tuple[Tensor, Tensor]  # mean and log-variance, (B, C, h, w) each


class LatentCache:
    """Moments by what they were made from, those used last, on the device they came from.

    Args:
        most_bytes: what they may take together; 0: nothing is remembered.
        most_s: when to forget them, counted from their making. Photos are of people: using them again keeps nothing.
    """

    def __init__(self, most_bytes: int, most_s: float) -> None:
        self.most_bytes = most_bytes
        self._most_s = most_s
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()  # used last comes last

    @property
    def nbytes(self) -> int:
        """What is held now."""
        return sum(kept.nbytes for kept in self._kept.values())

    def get(self, content: Hashable) -> Moments | None:
        """The moments of `content`, if they are remembered."""
        if content not in self._kept:
            return None
        self._kept.move_to_end(content)
        return self._kept[content].moments

    def put(self, content: Hashable, moments: Moments) -> None:
        """Remember copies of `moments`, which may be rows of a larger tensor. Needs a running event loop."""
        nbytes = sum(tensor.nbytes for tensor in moments)
        if content in self._kept or nbytes > self.most_bytes:
            return
        while self.nbytes + nbytes > self.most_bytes:
            self._forget(next(iter(self._kept)))
        # A timer, so that a worker with nothing to do forgets as well.
        timer = asyncio.get_running_loop().call_later(self._most_s, self._forget, content)
        mean, logvar = moments
        self._kept[content] = _Kept((mean.clone(), logvar.clone()), nbytes, timer)

    def _forget(self, content: Hashable) -> None:
        self._kept.pop(content).timer.cancel()


@dataclass(frozen=True)
class _Kept:
    moments: Moments
    nbytes: int
    timer: asyncio.TimerHandle


def digest(pictures: Tensor) -> bytes:
    """A name for the content of a tensor on the host: its numbers and its shape."""
    return hashlib.sha256(f"{tuple(pictures.shape)}".encode() + pictures.numpy().tobytes()).digest()
