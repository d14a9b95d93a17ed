"""Work in slices: all of it is done, and others come in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from model.runtime import slices
from model.runtime.slices import in_slices


class Count:
    """Rounds that only count."""

    total = 5

    def __init__(self) -> None:
        self.done = 0

    def advance(self, rounds: int) -> None:
        self.done += rounds


def told(slice_s: float, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What is said on the way, with slices of this length."""
    monkeypatch.setattr(slices, "SLICE_S", slice_s)
    said: list[tuple[int, int]] = []

    async def run(fn: Callable[[], None]) -> None:
        fn()

    asyncio.run(in_slices(Count(), run, lambda done, total: said.append((done, total))))
    return said


def test_rounds_that_fit_into_a_slice_are_done_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(600, monkeypatch) == [(5, 5)]


def test_others_come_in_after_every_round_that_takes_longer_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(0, monkeypatch) == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
