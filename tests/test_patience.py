"""No test asks for more haste than a machine that is ten times slower, and busy, can make. What measures is `bench`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from tests.server import ROOT

LEAST_S = 180
# A test may be about a limit that runs out: then it is short, and nothing has to be done within it.
RUNS_OUT = {
    "test_a_call_that_takes_too_long_is_cut_and_its_job_can_be_asked_for_again",
    "test_a_container_is_not_told_of_a_time_out_unless_connections_are_dropped",
    "test_a_container_that_is_not_ready_in_time_is_stopped",
    "test_a_failed_input_leaves_no_output_and_the_others_do",
    "test_a_job_somebody_still_waits_for_goes_on_when_another_hangs_up",
    "test_a_stream_that_takes_too_long_breaks_off_with_an_error_of_its_own",
    "test_what_never_comes_is_given_up",
}
# These make up moments that have passed.
MADE_UP = {"test_spans_of_a_job_follow_one_another_within_the_request"}
NAMED = {"timeout", "timeout_s", "within_s", "wait_s", "plain_s", "streamed_s", "startup_window_s", "read"}
BY_PLACE = {"timeout": 0, "wait_for": 1, "serving": 1, "settimeout": 0, "join": 0, "alarm": 0}
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time"}
ASKING = {f"httpx.{name}" for name in ("get", "post", "put", "delete", "request", "stream", "Client")}


class Found(NamedTuple):
    """A call, and the function it is made in."""

    where: str
    function: str
    name: str
    call: ast.Call


@cache
def suite() -> list[Found]:
    """All calls in tests and what they use, but for the platform's own rules."""
    files = (path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "platform" or "test_" in path.name)
    return [
        found._replace(where=f"{file.relative_to(ROOT)}:{found.call.lineno}")
        for file in sorted(files)
        for found in calls(ast.parse(file.read_text()), "")
    ]


def calls(node: ast.AST, function: str) -> Iterator[Found]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Call):
            yield Found("", function, dotted(inner.func), inner)
        is_outermost = isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not function
        yield from calls(inner, getattr(inner, "name", "") if is_outermost else function)


def dotted(node: ast.AST) -> str:
    """What is called, as far as it is names: `httpx.get`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def limits(found: Found) -> Iterator[float]:
    """The limits of time in seconds that a call sets by a number."""
    given = [keyword.value for keyword in found.call.keywords if keyword.arg in NAMED]
    place = BY_PLACE.get(found.name.rpartition(".")[2], 99)
    for value in [*given, *found.call.args[place : place + 1]]:
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
            yield value.value


def test_limits_are_of_minutes() -> None:
    assert not {
        f"{found.where}: {found.name} has {limit:g} s"
        for found in suite()
        if found.function not in RUNS_OUT
        for limit in limits(found)
        if limit < LEAST_S
    }


def test_what_runs_out_is_there() -> None:
    assert {found.function for found in suite()} >= RUNS_OUT


def test_httpx_is_given_time() -> None:
    """Its own limit is 5 s."""
    assert not {
        f"{found.where}: {found.name}"
        for found in suite()
        if found.name in ASKING and not {"timeout", "transport"} & {keyword.arg for keyword in found.call.keywords}
    }


def test_no_test_reads_a_clock() -> None:
    assert not {
        f"{found.where}: {found.name}"
        for found in suite()
        if "/test_" in found.where and found.function not in MADE_UP and found.name.rpartition(".")[2] in CLOCKS
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("process.wait(timeout=5)", [5]),
        ("asyncio.timeout(0.5)", [0.5]),
        ("asyncio.wait_for(it, 30)", [30]),
        ("thread.join(600)", [600]),
        ("', '.join(words)", []),
        ("serving(folder, 60, ENGINES='')", [60]),
    ],
)
def test_limits_are_found(code: str, expected: list[float]) -> None:
    [found] = calls(ast.parse(code), "")
    assert list(limits(found)) == expected
