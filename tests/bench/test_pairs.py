"""Pairs taken alternately, and what is said of them."""

from __future__ import annotations

import time

import pytest

from bench.pairs import Pairs, Quartiles, in_pairs


def test_each_goes_first_every_other_time() -> None:
    calls: list[str] = []
    taken = in_pairs(lambda: calls.append("plain"), lambda: calls.append("ours"), 3)
    assert calls == ["plain", "ours", "plain", "ours", "ours", "plain", "plain", "ours"]  # the first two warm up
    assert len(taken.plain_s) == len(taken.ours_cpu_s) == 3


def test_seconds_go_to_whom_they_belong() -> None:
    taken = in_pairs(lambda: time.sleep(0.02), lambda: None, 2, warm_up=False)
    assert min(taken.plain_s) >= 0.02 > max(taken.ours_s)


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
