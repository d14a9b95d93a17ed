"""What SageMaker asks of a container, of the real server where it is asked nowhere else: see the table in README.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from container.examples import examples
from container.settings import Settings
from tests.platform.conftest import DEADLINES_S
from tests.platform.hosting import Answer, Instance
from tests.server import ROOT

JSON, NDJSON, JSON_LINES = "application/json", "application/x-ndjson", "application/jsonlines"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TRYON: dict[str, Any] = examples()["tryon"]["value"] | {"deadline_s": 600}
ASKED: dict[str, Any] = {"type": "probe", "deadline_s": 600}
ENDLESS = {"type": "probe", "unforeseen_s": [0.1] * 6000}


def post(instance: Instance, body: dict[str, Any], content_type: str = JSON, **options: Any) -> Answer:
    return instance.invoke(json.dumps(body).encode(), content_type=content_type, timeout_s=600, **options)


# -- starting --------------------------------------------------------------------------------------------------------


def test_without_an_argument_it_says_what_it_wants(instance: Instance) -> None:
    """The image's CMD is `serve`, so that `docker run IMAGE` serves; whoever replaces it knows what he does."""
    done = subprocess.run([sys.executable, "-m", "container"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "serve" in done.stderr


def test_while_it_loads_pings_are_refused_and_then_they_are_not(instance: Instance) -> None:
    statuses = [ping.status for ping in instance.pings]
    ready = statuses.index(200)
    assert set(statuses[:ready]) == {None, 503}  # None: nobody listens yet
    assert set(statuses[ready:]) == {200}


# -- answers ---------------------------------------------------------------------------------------------------------


def test_every_answer_tells_its_length_and_none_is_chunked_unless_it_was_asked_for(instance: Instance) -> None:
    with httpx.Client(base_url=instance.url, timeout=600) as client:
        handed_in = client.post("/api/jobs", json=ASKED)
        job = handed_in.json()["url"]
        answers = [
            handed_in,
            *(client.get(path) for path in (job, "/health", "/api/models", "/execution-parameters", "/metrics")),
            *(client.get(path) for path in ("/openapi.json", "/api/jobs/unknown", "/nothing", "/invocations", "/ping")),
            client.post("/invocations", json=ASKED),
            client.post("/invocations", json=ASKED | {"seed": -1}),
            client.post("/invocations", content="{}\n{}", headers={"Content-Type": JSON_LINES}),
            client.post("/invocations", json=TRYON, headers={"Accept": "image/png"}),
        ]
        streamed = client.post("/invocations", json=ASKED, headers={"Accept": NDJSON})
    for answer in answers:
        assert "transfer-encoding" not in answer.headers, answer.url
        assert int(answer.headers["content-length"]) == len(answer.content), answer.url
    assert streamed.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("accept", [JSON, NDJSON])
@pytest.mark.parametrize(("changes", "status"), [({}, 200), ({"seed": -1}, 422), ({"type": "hologram"}, 422)])
def test_custom_attributes_come_back_with_answers_streams_and_errors(
    instance: Instance, accept: str, changes: dict[str, Any], status: int
) -> None:
    asked = ASKED | changes
    answer = post(instance, asked, accept=accept, headers={ATTRIBUTES: "trace=42;kept verbatim"})
    assert (answer.status, answer.headers[ATTRIBUTES]) == (status, "trace=42;kept verbatim")
    assert ATTRIBUTES not in post(instance, asked, accept=accept).headers


# What a character can take of an error's body: a byte, four as UTF-8, or six as an escape.
LONG = {"ascii": "x" * 5000, "emoji": "\N{GRINNING FACE}" * 5000, "control": "\N{START OF HEADING}" * 5000}


@pytest.mark.parametrize("long", LONG.values(), ids=LONG)
def test_no_error_is_longer_than_what_is_passed_on(instance: Instance, long: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"type": long},
        {long: 1},
        {"id": long},
        {"output": {long: long}},
        {"output": {"prefix": f"s3://{long}/"}},
        {"steps_s": [long]},
        {"picture": long},
        {"picture": f"https://{long}/"},
        {"picture": f"s3://bucket/{long}"},
        {"picture": f"file:///{long}"},
        {"picture": f"data:{long},"},
    ]
    answers = [post(instance, ASKED | body) for body in bodies]
    assert {answer.status // 100 for answer in answers} == {4}
    assert max(len(answer.body) for answer in answers) < 2048


def test_no_kind_of_error_is_longer_either(instance: Instance) -> None:
    answers = [
        post(instance, ASKED | {"then": "bug"}),
        post(instance, ASKED | {"then": "refuse"}),
        post(instance, ASKED | {"then": "fill", "kilobytes": 6000}),
        post(instance, ENDLESS | {"deadline_s": 0.1}),
        post(instance, ASKED, accept="image/png"),
        post(instance, ASKED, content_type="text/" + "x" * 5000),
        instance.invoke(b"[", content_type=JSON, timeout_s=600),
        instance.invoke(b"--", content_type="multipart/form-data", timeout_s=600),
    ]
    problems = [json.loads(answer.body) for answer in answers]
    assert [(answer.status, problem["code"]) for answer, problem in zip(answers, problems, strict=True)] == [
        (500, "internal"),
        (422, "not_liked"),
        (413, "inline_too_large"),
        (504, "deadline"),
        (422, "bad_accept"),
        (415, "unsupported_media"),
        (400, "bad_json"),
        (400, "bad_form"),
    ]
    assert max(len(answer.body) for answer in answers) < 2048


def test_a_path_is_not_repeated_at_length(instance: Instance) -> None:
    for path in ("/x" * 2000, "/%F0%9F%98%80" * 500, "/api/jobs/" + "x" * 4000):
        assert len(instance.get(path).body) < 2048


# -- time ------------------------------------------------------------------------------------------------------------


def test_the_deadlines_are_before_the_platforms() -> None:
    defaults = {name: Settings.model_fields[name].default for name in ("deadline_s", "stream_deadline_s", "drain_s")}
    assert defaults == {"deadline_s": 55, "stream_deadline_s": 470, "drain_s": 25}  # of 60, 480 and 30
    assert Settings.model_fields["job_deadline_s"].default == 3500  # of 3600


def test_each_route_gives_up_at_its_own_deadline(instance: Instance) -> None:
    def plain() -> Any:
        return json.loads(post(instance, ENDLESS).body)

    def streamed() -> Any:
        return json.loads(post(instance, ENDLESS, accept=NDJSON).body.splitlines()[-1])

    def batch() -> Any:
        return json.loads(post(instance, ENDLESS, content_type=JSON_LINES).body)["problem"]

    def job() -> Any:
        with httpx.Client(base_url=instance.url, timeout=600) as client:
            url = client.post("/api/jobs", json=ENDLESS).json()["url"]
            while (state := client.get(url).json())["state"] in ("queued", "running"):
                time.sleep(0.05)
            return state["problem"]

    routes = {plain: "DEADLINE_S", streamed: "STREAM_DEADLINE_S", batch: "JOB_DEADLINE_S", job: "JOB_DEADLINE_S"}
    with ThreadPoolExecutor(len(routes)) as pool:
        ends = dict(zip(routes, pool.map(lambda ask: ask(), routes), strict=True))
    for route, problem in ends.items():
        limit_s = DEADLINES_S[routes[route]]
        assert (problem["status"], problem["code"], problem["retryable"]) == (504, "deadline", True), route
        [told_s] = re.findall(r"deadline of ([\d.]+) s", problem["detail"])
        assert float(told_s) == pytest.approx(limit_s, abs=0.1), route


def test_pings_and_connections_are_in_time_while_tryons_run(instance: Instance) -> None:
    """A connection that is not accepted in time is a violation, which the fixture looks for."""
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(post, instance, TRYON | {"seed": seed}) for seed in range(4)]
        pings = []
        while not all(future.done() for future in running):
            pings.append(instance.ping())
            time.sleep(0.02)
    assert {future.result().status for future in running} == {200}
    assert len(pings) > len(running)
    assert {ping.status for ping in pings} == {200}


# -- the table -------------------------------------------------------------------------------------------------------


def test_every_test_of_the_table_exists() -> None:
    table = (ROOT / "tests" / "platform" / "README.md").read_text()
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", table)
    assert len(named) > 20
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in read(file)]
    assert missing == []


def read(file: str) -> str:
    path = ROOT / file
    return path.read_text() if path.is_file() else ""
