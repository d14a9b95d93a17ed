"""`quality` through the whole service: what was computed, and that the answer says so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fuzz import valid_tryon
from tests.serve.test_invocations import assert_problem, events
from tests.server import Server

# Of the pack that the tests' server has.
PACK_STEPS = 20


@pytest.fixture(scope="module")
def body() -> dict[str, Any]:
    """A small request that leaves the steps to the server."""
    return {name: value for name, value in valid_tryon().items() if name not in ("steps", "eta")}


def streamed(server: Server, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """How many steps were announced, and the answer."""
    response = httpx.post(
        f"{server.url}/invocations", json=body, headers={"Accept": "application/x-ndjson"}, timeout=600
    )
    *progress, answer = events(response)
    assert answer["event"] == "answer", answer
    (steps,) = {event["total"] for event in progress if event["stage"] == "denoise"}
    return steps, answer


@pytest.mark.parametrize(
    ("fields", "quality", "solver", "steps", "eta"),
    [
        ({}, "best", "ddim", PACK_STEPS, 1),
        ({"quality": "balanced"}, "balanced", "dpmpp", 20, 0),
        ({"quality": "fast"}, "fast", "dpmpp", 10, 0),
        ({"quality": "fast", "steps": 12, "eta": 1}, "fast", "dpmpp", 12, 1),
        ({"quality": "fast", "solver": "ddim"}, "fast", "ddim", 10, 0),
    ],
)
def test_the_steps_taken_are_the_presets_unless_the_request_names_its_own(
    server: Server, body: dict[str, Any], fields: dict[str, Any], quality: str, solver: str, steps: int, eta: float
) -> None:
    announced, answer = streamed(server, body | fields)
    settings = {"quality": quality, "solver": solver, "steps": steps, "guidance": 1, "eta": eta}
    assert answer["settings"] == {"width": 64, "height": 64, **settings}
    assert announced == steps


def test_a_request_with_the_settings_of_an_answer_repeats_it(server: Server, body: dict[str, Any]) -> None:
    _, fast = streamed(server, body | {"quality": "fast"})
    _, again = streamed(server, body | fast["settings"])
    _, other = streamed(server, body | fast["settings"] | {"solver": "ddim"})
    assert again["outputs"] == fast["outputs"]
    assert other["outputs"] != fast["outputs"]


@pytest.mark.parametrize(("field", "value"), [("quality", "better"), ("solver", "euler"), ("quality", None)])
def test_an_unknown_preset_or_solver_is_refused_by_name(
    server: Server, body: dict[str, Any], field: str, value: str | None
) -> None:
    assert_problem(server.invoke(body | {field: value}), 422, "invalid_field", field)
