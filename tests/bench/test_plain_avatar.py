"""The plain view loops paint what ours do."""

from __future__ import annotations

from bench.contest import share_of_allowed
from bench.loops import Loops, LoopShape
from model.runtime.device import open_device
from model.weights.pack import DEMO


def test_both_loops_come_to_the_same() -> None:
    loops = Loops(DEMO, open_device("cpu"))
    try:
        for contest in loops.contests(LoopShape(photos=3, pixels=64, steps=2)):
            plain = contest.plain(0)
            assert plain.std() > 0.05
            assert share_of_allowed(plain, contest.ours(0), plain) <= 1
    finally:
        loops.close()
