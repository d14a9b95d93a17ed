"""Pairs taken alternately, and what is said of them."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

from bench.pairs import Pairs, Quartiles, in_pairs


def test_each_goes_first_every_other_time() -> None:
    calls: list[str] = []
    taken = in_pairs(lambda: calls.append("plain"), lambda: calls.append("ours"), 3)
    assert calls == ["plain", "ours", "plain", "ours", "ours", "plain", "plain", "ours"]  # the first two warm up
    assert len(taken.plain_s) == len(taken.ours_cpu_s) == 3


def test_seconds_go_to_whom_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"perf_counter": 10.0, "process_time": 1.0}

    def takes(seconds: float, cpu_seconds: float) -> None:
        now["perf_counter"] += seconds
        now["process_time"] += cpu_seconds

    clock = SimpleNamespace(**{name: partial(now.get, name) for name in now})
    monkeypatch.setattr("bench.pairs.time", clock)
    taken = in_pairs(lambda: takes(2, 1), lambda: takes(0.5, 0.25), 3, warm_up=False)
    assert (taken.plain_s, taken.ours_s) == ([2.0] * 3, [0.5] * 3)
    assert (taken.plain_cpu_s, taken.ours_cpu_s) == ([1.0] * 3, [0.25] * 3)


def test_a_ratio_above_1_says_that_ours_is_faster() -> None:
    taken = Pairs(plain_s=[3.0, 2.0], ours_s=[1.0, 4.0], plain_cpu_s=[6.0, 1.0], ours_cpu_s=[2.0, 1.0])
    assert taken.ratios == [3.0, 0.5]
    assert taken.cpu_ratios == [3.0, 1.0]


def test_quartiles_lie_between_neighbours_in_proportion() -> None:
    assert Quartiles.of([7, 1, 5, 3, 2, 6, 4]) == Quartiles(2.5, 4, 5.5)
    assert Quartiles.of([1, 2]) == Quartiles(1.25, 1.5, 1.75)
    assert Quartiles.of([3]) == Quartiles(3, 3, 3)
    with pytest.raises(ValueError, match="no values"):
        Quartiles.of([])
