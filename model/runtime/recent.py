"""Remembering what is costly to make, for a while and up to a size."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import ClassVar, Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


S = TypeVar("S", bound=Sized)


class Recent(Generic[S]):
    """What was used last, by a digest of what it was made from.

    Args:
        most_bytes: what they may take together.
        most_s: when to forget them, counted from their making. Photos are of people: using them again keeps nothing.
    """

    lookups: ClassVar[Counter[bool]] = Counter()  # of all together: whether it was there -> how often

    def __init__(self, most_bytes: int, most_s: float) -> None:
        self._most_bytes = most_bytes
        self._most_s = most_s
        self._kept: OrderedDict[bytes, tuple[S, asyncio.TimerHandle]] = OrderedDict()  # used last comes last

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._kept

    def get(self, digest: bytes) -> S | None:
        self.lookups[digest in self._kept] += 1
        if digest not in self._kept:
            return None
        self._kept.move_to_end(digest)
        return self._kept[digest][0]

    def put(self, digest: bytes, made: S) -> None:
        """Remember what was made of something that has nothing here. Needs a running event loop."""
        # A timer, so that a worker with nothing to do forgets as well.
        self._kept[digest] = made, asyncio.get_running_loop().call_later(self._most_s, self._forget, digest)
        while sum(held.nbytes for held, _ in self._kept.values()) > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, digest: bytes) -> None:
        _, timer = self._kept.pop(digest)
        timer.cancel()
