"""Work of many rounds in slices, so that others get their turn between two of them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

SLICE_S = 0.15  # what others wait for at most when they come in between, or one round if that takes longer


class Rounds(Protocol):
    """Work that goes on as far as it is told."""

    @property
    def done(self) -> int:
        """Rounds so far."""

    @property
    def total(self) -> int:
        """Rounds in all."""

    def advance(self, rounds: int, /) -> None:
        """Do some more, but not beyond `total`."""


async def in_slices(
    work: Rounds, run: Callable[[Callable[[], None]], Awaitable[None]], progress: Callable[[int, int], None]
) -> None:
    """All rounds.

    Args:
        run: where they are computed, such as `Device.run` and `Device.cpu`.
        progress: told of rounds done and of all after each slice.
    """

    def advance() -> None:
        until = time.monotonic() + SLICE_S
        work.advance(1)
        while work.done < work.total and time.monotonic() < until:
            work.advance(1)

    while work.done < work.total:
        await run(advance)
        progress(work.done, work.total)
