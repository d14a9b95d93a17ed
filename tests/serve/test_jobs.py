"""Ids, deadlines, cancelling and saying no in time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.live_job import LiveJob
from serve.spool import JobDirectory
from tests.probe.request import Request as ProbeRequest
from tests.serve.test_invocations import assert_problem
from tests.server import Server, eventually, serving

STREAMED = {"Accept": "application/x-ndjson"}
_MARKER_ROWS = 7  # as many as no other forward has


def many(server: Server, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """All at once, each on a connection of its own."""

    def send(body: dict[str, Any]) -> httpx.Response:
        return httpx.post(f"{server.url}/invocations", json={"type": "probe", **body}, timeout=600)

    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, bodies))


def metric(server: Server, line: str) -> float:
    for row in server.client.get("/metrics").text.splitlines():
        if row.startswith(line):
            return float(row.split()[-1])
    return 0.0


def test_one_id_is_one_job_however_many_ask(server: Server) -> None:
    done = 'atelier_jobs_total{code="done",engine="probe"}'
    before = metric(server, done)
    responses = many(server, [{"id": "joined", "seed": 1, "steps_s": [0.3]}] * 16)
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert server.probe(id="joined", seed=1, steps_s=[0.3]).text == responses[0].text
    assert metric(server, done) == before + 1


def test_a_job_that_is_cancelled_before_its_first_step_takes_it_and_cleans_up(tmp_path: Path) -> None:
    async def live_through(job: LiveJob) -> str:
        job.begin()
        try:
            await asyncio.Event().wait()
        finally:
            job.directory.erase()
        return ""

    async def check() -> None:
        directory = JobDirectory(tmp_path / "one")
        directory.inputs.mkdir(parents=True)
        job = LiveJob("one", "", directory, ProbeRequest(), None, kept=False)
        job.task = asyncio.create_task(live_through(job))  # type: ignore[arg-type]
        job.cancel()
        await asyncio.wait([job.task])
        assert job.task.cancelled()
        assert not directory.path.exists()

    asyncio.run(check())


def test_an_id_belongs_to_one_body_while_it_runs_and_afterwards(server: Server) -> None:
    first, second = many(server, [{"id": "mine", "seed": 1, "steps_s": [0.3]}, {"id": "mine", "seed": 2}])
    assert {first.status_code, second.status_code} == {200, 409}
    loser = {"id": "mine", "seed": 2} if first.status_code == 200 else {"id": "mine", "seed": 1, "steps_s": [0.3]}
    assert_problem(server.probe(**loser), 409, "id_in_use", "id")


def test_a_problem_that_retrying_cannot_mend_is_repeated_not_recomputed(server: Server) -> None:
    count = 'atelier_jobs_total{code="not_liked",engine="probe"}'
    before = metric(server, count)
    for _ in range(2):
        assert_problem(server.probe(id="refused-once", then="refuse"), 422, "not_liked", "picture")
    assert metric(server, count) == before + 1


def test_a_job_that_outlives_its_deadline_is_cancelled_and_its_id_is_free(server: Server) -> None:
    body: dict[str, Any] = {"id": "late", "unforeseen_s": [0.4] * 50, "deadline_s": 0.5}
    problem = assert_problem(server.probe(**body), 504, "deadline")
    assert problem["retryable"]
    assert server.probe(id="late", steps_s=[0.01]).status_code == 200  # at once, while the first still lets go


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_a_client_that_hangs_up_frees_the_device_at_the_next_step(server: Server, accept: str) -> None:
    cancelled = 'atelier_jobs_total{code="cancelled",engine="probe"}'
    before = metric(server, cancelled)
    body = '{"type": "probe", "unforeseen_s": [' + ", ".join(["0.1"] * 6000) + "]}"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        eventually(lambda: metric(server, "atelier_jobs_live") == 1)
        time.sleep(0.3)
    eventually(lambda: metric(server, cancelled) == before + 1)
    assert metric(server, "atelier_jobs_live") == 0


def rows_computed(server: Server) -> int:
    """Rows of all forwards so far. The worker tells of them every second, and of a forward with all those before it."""
    marker = f'atelier_forwards_total{{rows="{_MARKER_ROWS}"}}'
    before = metric(server, marker)
    assert server.probe(steps_s=[0], rows=_MARKER_ROWS).status_code == 200
    eventually(lambda: metric(server, marker) > before)
    text = server.client.get("/metrics").text
    counts = re.findall(r'^atelier_forwards_total\{rows="(\d+)"\} (\S+)', text, re.MULTILINE)
    return sum(int(rows) * int(float(forwards)) for rows, forwards in counts if int(rows) != _MARKER_ROWS)


def leave_after(server: Server, done: int, body: dict[str, Any]) -> int:
    """Stream a job, hang up as soon as `done` steps of its heavy stage are behind it; returns how many were."""
    with httpx.stream("POST", f"{server.url}/invocations", json=body, headers=STREAMED, timeout=600) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            event = json.loads(line)
            if event["stage"] in ("wait", "denoise") and event["done"] >= done:
                return int(event["done"])
    raise ValueError("the stream ended")


def test_no_more_than_the_forward_in_flight_has_rows_of_a_job_whose_client_hung_up(
    server: Server, tmp_path: Path
) -> None:
    """In company, which goes on: each probe has one row a step. The sixth goes on until the job is cancelled."""
    cancelled, gate = 'atelier_jobs_total{code="cancelled",engine="probe"}', tmp_path / "open"
    before, cancelled_before = rows_computed(server), metric(server, cancelled)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stays = pool.submit(server.probe, steps_s=[0.01] * 20)
        steps_s = [*[0.01] * 5, -1, *[0.01] * 100]
        done = leave_after(server, 5, {"type": "probe", "gate": str(gate), "unforeseen_s": steps_s})
        eventually(lambda: metric(server, cancelled) == cancelled_before + 1)
        gate.touch()
        assert stays.result().status_code == 200
    assert done <= rows_computed(server) - before - 20 <= done + 1


def test_a_job_somebody_still_waits_for_goes_on_when_another_hangs_up(server: Server) -> None:
    impatient = {"id": "shared", "steps_s": [0.1] * 10, "deadline_s": 3000}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        patient = pool.submit(server.probe, **impatient)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{server.url}/invocations", json={"type": "probe", **impatient}, timeout=httpx.Timeout(600, read=0.4)
            )
        assert patient.result().status_code == 200


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has learned its pace: a probe's second of work takes a second."""
    with serving(tmp_path_factory.mktemp("busy"), MAX_QUEUED_JOBS=3, MAX_LIVE_JOBS=1) as server:
        server.probe(steps_s=[0.2])
        yield server


def test_work_that_would_end_after_its_deadline_is_refused_before_it_starts(busy: Server) -> None:
    problem = assert_problem(busy.probe(steps_s=[10_000], deadline_s=1000), 422, "too_much_work", "deadline_s")
    assert not problem["retryable"]
    assert "its deadline is 1000 s" in problem["detail"]
    assert busy.probe(steps_s=[0.1], deadline_s=1000).status_code == 200


def test_the_work_of_others_counts_towards_the_expected_end(busy: Server) -> None:
    long, short = {"id": "long", "steps_s": [0.1] * 8000}, {"steps_s": [0.1], "deadline_s": 600}
    assert busy.client.post("/api/jobs", json={"type": "probe", **long}).status_code == 202
    eventually(
        lambda: (busy.client.get("/api/jobs/long").json().get("progress") or {}).get("stage") == "wait"
    )  # it counts
    assert_problem(busy.probe(**short), 429, "overloaded")
    assert busy.client.delete("/api/jobs/long").status_code == 204
    assert busy.probe(**short).status_code == 200


def test_as_many_jobs_wait_as_the_limit_and_no_more(busy: Server) -> None:
    responses = many(busy, [{"steps_s": [0.2], "deadline_s": 600}] * 3)
    assert [response.status_code for response in responses] == [200] * 3
    responses = many(busy, [{"steps_s": [0.2], "deadline_s": 600}] * 6)
    codes = sorted(response.status_code for response in responses)
    assert codes.count(200) >= 3
    assert 429 in codes
    assert set(codes) == {200, 429}


def test_new_work_is_refused_when_the_disk_is_nearly_full(tmp_path: Path) -> None:
    with serving(tmp_path, SPOOL_MIN_FREE_BYTES=10**18) as server:
        problem = assert_problem(server.probe(), 503, "disk_full")
        assert problem["retryable"]
        assert server.client.get("/ping").status_code == 200
        assert int(server.probe().headers["retry-after"]) >= problem["retry_after_s"] > 0
