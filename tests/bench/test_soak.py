"""What a soak takes for an end, and what it complains of."""

from __future__ import annotations

import httpx
import pytest

from bench.fuzz_routes import complaint
from bench.soak.__main__ import KILLS_END, MEASURED, WARM_S, Watch, measured_at
from bench.soak.crowd import Tally
from bench.soak.visitors import FAILED, end_of, ends_told

PROBLEM = {"Content-Type": "application/problem+json"}


def test_each_request_has_one_end_that_was_designed() -> None:
    tally = Tally()
    for ends in (["done"], ["overloaded"], [], ["done", "done"], [f"{FAILED}what"]):
        tally.note("warp", ends)
    assert tally.kinds["warp"] == {"done": 1, "overloaded": 1, "failed": 3}
    assert len(tally.wrong) == 3


def test_a_streams_end_is_its_answer_or_its_problem() -> None:
    told = [{"event": "progress"}, {"event": "problem", "code": "deadline"}]
    assert ends_told(iter(told)) == ["deadline"]
    assert ends_told(iter([*told[:1], {"event": "answer"}])) == ["done"]
    assert ends_told(iter(told[:1])) == []


@pytest.mark.parametrize(
    ("response", "end"),
    [
        (httpx.Response(200), "done"),
        (httpx.Response(429, json={"code": "overloaded"}, headers=PROBLEM), "overloaded"),
        (httpx.Response(500, json={"code": "worker_lost"}, headers=PROBLEM), "worker_lost"),
    ],
)
def test_answers_end_a_request(response: httpx.Response, end: str) -> None:
    assert end_of(response) == end


def test_what_nobody_has_designed_is_a_failure() -> None:
    for response in (
        httpx.Response(500, json={"code": "internal"}, headers=PROBLEM),
        httpx.Response(502, text="Bad Gateway"),
    ):
        assert end_of(response).startswith(FAILED)
    assert complaint(httpx.Response(500, text="?"))
    assert complaint(httpx.Response(422, json={"detail": "x" * 2048}, headers=PROBLEM))
    assert complaint(httpx.Response(504, text="?")) is None


def test_pings_beside_a_workers_start_do_not_count() -> None:
    watch = Watch(pings=[(1.0, 0.1), (5.0, 9.0), (9.0, 0.2)], starts=[(4.0, 6.0)])
    assert watch.undisturbed() == [0.1, 0.2]


@pytest.mark.parametrize("seconds", [60.0, 300.0, 3600.0])
def test_memory_is_read_of_a_worker_that_is_warm_as_far_as_there_is_time(seconds: float) -> None:
    at = measured_at(seconds)
    assert len(at) == MEASURED
    assert at[-1] == seconds
    assert at == sorted(at)
    assert at[0] >= min(KILLS_END * seconds + WARM_S, seconds)
    assert at[0] >= 0.5 * seconds
