"""The platform's side of the contract: what it does to a container, and that it notices what a container does wrong."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform.conftest import PATIENCE
from tests.platform.hosting import Answer, Instance, NoAnswer, TimedOut, Unhealthy
from tests.server import eventually

SIMPLE = (sys.executable, "-m", "tests.platform.simple_container")
BROKEN = (sys.executable, "-m", "tests.platform.broken_container")


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("simple"), command=SIMPLE, patience=PATIENCE) as running:
        yield running


@contextlib.contextmanager
def broken(folder: Path, how: str, **settings: Any) -> Iterator[Instance]:
    with Instance(folder, command=BROKEN, environment={"BROKEN": how}, ping_every_s=0.1, **settings) as running:
        yield running


def ask(instance: Instance, timeout_s: float = 600, **how: Any) -> Answer:
    attributes = {"X-Amzn-SageMaker-Custom-Attributes": "a=b", "Authorization": "of the caller", "X-Own": "1"}
    body = json.dumps(how).encode()
    return instance.invoke(body, content_type="application/json", headers=attributes, timeout_s=timeout_s)


def test_a_container_sees_the_headers_of_the_api_and_some_it_has_never_heard_of(simple: Instance) -> None:
    seen = json.loads(ask(simple).body)["headers"]
    assert seen["X-Amzn-SageMaker-Custom-Attributes"] == "a=b"
    assert {"Content-Type", "Content-Length", "X-Amzn-SageMaker-Unheard-Of"} <= seen.keys()
    assert not {"Authorization", "X-Own"} & seen.keys()
    assert not simple.violations


def test_an_answer_without_a_length_and_an_error_too_long_to_be_passed_on_are_violations(simple: Instance) -> None:
    assert ask(simple, chunked=True).status == 200
    assert ask(simple, status=500, name="long" * 600).status == 500
    without_length, too_long = simple.violations
    simple.violations.clear()
    assert "Content-Length" in without_length
    assert "error (500)" in too_long


def test_a_container_has_no_credentials_but_those_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "API_TOKEN"):
        monkeypatch.setenv(name, "of this machine")
    assert not {"AWS_SECRET_ACCESS_KEY", "API_TOKEN"} & Instance(tmp_path).environment.keys()
    role = {"AWS_SECRET_ACCESS_KEY": "of the role"}
    assert Instance(tmp_path, environment=role).environment["AWS_SECRET_ACCESS_KEY"] == "of the role"


def test_pings_that_are_too_slow_make_an_instance_unhealthy(tmp_path: Path) -> None:
    with broken(tmp_path, "busy", unhealthy_after=1) as instance:
        eventually(lambda: instance.violations)
    assert "without 200" in instance.violations[0]
    assert instance.pings[-1].seconds >= 2


def test_a_ping_with_a_body_is_a_violation(tmp_path: Path) -> None:
    with broken(tmp_path, "chatty") as instance:
        assert "I am fine" in instance.violations[0]


def test_a_container_that_is_not_ready_in_time_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(Unhealthy, match=r"not ready within 0\.5 s"), broken(tmp_path, "never", startup_window_s=0.5):
        raise AssertionError("it has started")


def test_a_container_that_ends_while_starting_is_not_waited_for(tmp_path: Path) -> None:
    instance = Instance(tmp_path, command=("sh", "-c", "echo no weights >&2; exit 3"))
    with pytest.raises(Unhealthy, match=r"status 3.*\n?.*no weights"):
        instance.start()


def test_a_container_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    with broken(tmp_path, "deaf", kill_after_s=0.5) as instance:
        stopped = instance.stop()
    assert (stopped.status, stopped.killed) == (-signal.SIGKILL, True)
    with pytest.raises(NoAnswer):
        ask(instance)


def test_what_outlives_a_container_is_named_and_ended(tmp_path: Path) -> None:
    with broken(tmp_path, "parent") as instance:
        stopped = instance.stop()
    assert (stopped.status, stopped.killed, stopped.left_behind) == (-signal.SIGTERM, False, ("sleep 60",))
    eventually(lambda: instance.stop().left_behind == ())


@pytest.mark.parametrize("drop_late", [False, True])
def test_a_container_is_not_told_of_a_time_out_unless_connections_are_dropped(tmp_path: Path, drop_late: bool) -> None:
    with broken(tmp_path, "listening", drop_late=drop_late) as instance:
        with pytest.raises(TimedOut):
            ask(instance, timeout_s=1)
        if drop_late:
            eventually(lambda: "hung up" in instance.log.read_text())
        time.sleep(0.2)
        assert ("hung up" in instance.log.read_text()) is drop_late
