"""`/api/jobs`: nobody stays connected, and nothing is lost."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Bucket
from tests.serve.test_invocations import assert_problem, events
from tests.serve.test_jobs import metric
from tests.server import Server, eventually, serving

LONG = [0.1] * 6000
GATED = [0, -1, 0]  # seconds of steps, of which one ends when its gate is there


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("api"), ALLOW_FILE_URIS=1) as server:
        yield server


def hand_in(server: Server, **fields: Any) -> dict[str, Any]:
    response = server.client.post("/api/jobs", json={"type": "probe", **fields})
    assert response.status_code == 202, response.text
    taken: dict[str, Any] = response.json()
    assert response.headers["location"] == taken["url"]
    return taken


def show(server: Server, url: str) -> dict[str, Any]:
    response = server.client.get(url)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown


def ended(server: Server, url: str) -> dict[str, Any]:
    eventually(lambda: show(server, url)["state"] in ("done", "failed"))
    return show(server, url)


def text_of(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["outputs"][0]["data"]).decode()


def test_a_job_is_taken_told_of_and_done(api: Server, picture: str, png: bytes, tmp_path: Path) -> None:
    taken = hand_in(api, picture=picture, unforeseen_s=GATED, gate=str(tmp_path / "open"), seed=4)
    assert taken["state"] == "queued"
    eventually(lambda: show(api, taken["url"])["state"] == "running")
    running = show(api, taken["url"])
    (tmp_path / "open").touch()
    assert (running["progress"]["stage"], running["progress"]["total"]) == ("wait", 3)
    done = ended(api, taken["url"])
    assert (done["id"], done["state"], done["progress"]) == (taken["id"], "done", None)
    assert done["answer"]["seed"] == 4
    assert hashlib.sha256(png).hexdigest() in text_of(done["answer"])
    assert metric(api, 'atelier_responses_total{route="/api/jobs/{id}",status="200"}') > 0


def test_the_estimate_is_made_of_measurements(api: Server) -> None:
    api.probe(steps_s=[0.2])
    taken = hand_in(api, steps_s=[0.1] * 10)
    assert taken["estimated_s"] > 0.5
    ended(api, taken["url"])


def test_a_job_that_fails_tells_its_problem_and_its_retryable_id_is_free(api: Server) -> None:
    failed = ended(api, hand_in(api, id="fails", then="refuse")["url"])
    assert (failed["state"], failed["problem"]["code"], failed["answer"]) == ("failed", "not_liked", None)
    assert_problem(api.probe(id="fails", then="refuse"), 422, "not_liked", "picture")
    late = ended(api, hand_in(api, id="too-late", unforeseen_s=LONG, deadline_s=0.3)["url"])
    assert (late["state"], late["problem"]["code"]) == ("failed", "deadline")
    assert ended(api, hand_in(api, id="too-late")["url"])["state"] == "done"


def test_an_inline_picture_that_is_none_is_refused_at_once(api: Server) -> None:
    response = api.client.post("/api/jobs", json={"type": "probe", "picture": base64.b64encode(b"GIF89a").decode()})
    assert_problem(response, 415, "unsupported_picture", "picture")


def test_what_invocations_refuses_is_refused_here_too(api: Server) -> None:
    assert_problem(api.client.post("/api/jobs", json={"type": "probe", "seed": -1}), 422, "invalid_field", "seed")
    assert_problem(api.client.post("/api/jobs", content=b"{"), 400, "bad_json")


def test_an_id_nobody_knows_is_no_such_job(api: Server) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", "")):
        assert_problem(api.client.request(method, f"/api/jobs/unknown{path}"), 404, "no_such_job")


def test_events_end_with_the_answer_also_of_a_job_that_has_ended(api: Server, tmp_path: Path) -> None:
    taken = hand_in(api, unforeseen_s=GATED, gate=str(tmp_path / "open"))
    with api.client.stream("GET", f"{taken['url']}/events") as heard:
        lines = heard.iter_lines()
        live = [json.loads(next(lines))]
        (tmp_path / "open").touch()
        live += map(json.loads, lines)
    assert {event["event"] for event in live[:-1]} == {"progress"}
    assert (live[-1]["event"], live[-1]["state"]) == ("answer", "done")
    assert events(api.client.get(f"{taken['url']}/events")) == [live[-1]]
    failed = hand_in(api, then="refuse")
    ended(api, failed["url"])
    sent = api.client.get(f"{failed['url']}/events", headers={"Accept": "text/event-stream"}).text
    assert sent.startswith("id: problem\nretry: 2000\nevent: problem\ndata: ")
    assert json.loads(sent.split("data: ")[1].split("\n")[0])["code"] == "not_liked"


def test_a_listener_that_hangs_up_does_not_stop_the_job(api: Server) -> None:
    taken = hand_in(api, steps_s=[0.1] * 10)
    with httpx.stream("GET", f"{api.url}{taken['url']}/events", timeout=600) as heard:
        next(heard.iter_lines())
    assert ended(api, taken["url"])["state"] == "done"


def test_a_job_that_is_handed_in_while_somebody_waits_for_it_goes_on_without_him(api: Server) -> None:
    body = {"type": "probe", "id": "both-ways", "steps_s": [0.1] * 10}
    ndjson = {"Accept": "application/x-ndjson"}
    with httpx.stream("POST", f"{api.url}/invocations", json=body, headers=ndjson, timeout=600) as heard:
        lines = heard.iter_lines()  # kept, for without it the connection closes
        next(lines)
        taken = api.client.post("/api/jobs", json=body).json()
    assert ended(api, taken["url"])["state"] == "done"


def test_a_job_that_is_handed_in_while_somebody_waits_for_it_gets_its_deadline(tmp_path: Path) -> None:
    body = {"type": "probe", "id": "both-ways", "unforeseen_s": [0.1] * 10_000}
    ndjson = {"Accept": "application/x-ndjson"}
    with (
        serving(tmp_path, JOB_DEADLINE_S=1, STREAM_DEADLINE_S=10_000) as server,
        httpx.stream("POST", f"{server.url}/invocations", json=body, headers=ndjson, timeout=600) as heard,
    ):
        lines = heard.iter_lines()
        next(lines)
        taken = server.client.post("/api/jobs", json=body).json()
        assert [json.loads(line) for line in lines][-1]["code"] == "deadline"
        assert ended(server, taken["url"])["problem"]["code"] == "deadline"


def test_a_stream_of_a_job_that_has_failed_names_its_own_request(api: Server) -> None:
    taken = hand_in(api, then="refuse")
    ended(api, taken["url"])
    heard = api.client.get(f"{taken['url']}/events", headers={"X-Request-Id": "asked-later"})
    assert events(heard)[-1]["request_id"] == "asked-later"


def test_deleting_a_job_stops_it_and_leaves_nothing(api: Server, picture: str) -> None:
    cancelled = 'atelier_jobs_total{code="cancelled",engine="probe"}'
    before, directories = metric(api, cancelled), api.jobs()
    taken = hand_in(api, picture=picture, unforeseen_s=LONG)
    eventually(lambda: show(api, taken["url"])["state"] == "running")
    assert api.client.delete(taken["url"]).status_code == 204
    assert metric(api, cancelled) == before + 1
    assert_problem(api.client.get(taken["url"]), 404, "no_such_job")
    done = hand_in(api)
    ended(api, done["url"])
    assert api.client.delete(done["url"]).status_code == 204
    assert api.jobs() == directories


def test_who_waits_for_a_job_that_is_deleted_is_told(api: Server) -> None:
    taken = hand_in(api, id="doomed", unforeseen_s=LONG)
    with httpx.stream("GET", f"{api.url}{taken['url']}/events", timeout=600) as heard:
        lines = heard.iter_lines()
        next(lines)
        api.client.delete(taken["url"])
        last = [json.loads(line) for line in lines][-1]
    assert (last["event"], last["code"]) == ("problem", "no_such_job")


def kill(server: Server) -> None:
    workers = server.workers()
    server.kill()
    eventually(lambda: not any(worker.is_running() for worker in workers))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Server]:
    """One that tests end and start again."""
    with serving(tmp_path_factory.mktemp("killed"), **bucket.settings, MAX_LIVE_JOBS=1, DRAIN_S=2.5) as server:
        yield server


def test_jobs_survive_the_death_of_the_front_and_references_are_fetched_again(
    killed: Server, tmp_path: Path, picture: str, png: bytes, bucket: Bucket
) -> None:
    remote = bucket.put("inputs/later.png", png)
    gated = {"unforeseen_s": GATED, "gate": str(tmp_path / "open")}
    inline = hand_in(killed, picture=picture, seed=1, **gated, output={"inline": True})
    fetched = hand_in(killed, picture=remote, seed=2, **gated)
    for path in killed.spool.glob("*/request.json"):
        assert picture[:40] not in path.read_text()
    eventually(lambda: len(list(killed.spool.glob("*/ready"))) == 2)
    kill(killed)
    for request in killed.spool.glob("*/request.json"):  # as if it had died before the picture was there
        if json.loads(request.read_text())["id"] == fetched["id"]:
            (request.parent / "ready").unlink()
            (request.parent / "inputs" / "picture").unlink()
    (tmp_path / "open").touch()
    killed.restart()
    assert ended(killed, inline["url"])["answer"]["seed"] == 1
    assert hashlib.sha256(png).hexdigest() in text_of(ended(killed, inline["url"])["answer"])
    [output] = ended(killed, fetched["url"])["answer"]["outputs"]
    assert hashlib.sha256(png).hexdigest() in bucket.read(output["uri"]).decode()


def test_an_answer_that_cannot_be_read_is_no_reason_not_to_start(killed: Server) -> None:
    before = set(killed.jobs())
    ended(killed, hand_in(killed, id="half")["url"])
    [directory] = set(killed.jobs()) - before
    kill(killed)
    (directory / "answer.json").write_text("{")
    killed.restart()
    assert directory in killed.jobs()
    assert (directory / "answer.json").read_text() == "{"  # it is not run again


def test_a_job_that_is_not_done_by_the_end_of_the_drain_runs_after_the_restart(killed: Server) -> None:
    before = set(killed.jobs())
    taken = hand_in(killed, unforeseen_s=[0.1] * 20, seed=3)
    assert killed.stop() == 0
    assert len(set(killed.jobs()) - before) == 1
    killed.restart()
    assert ended(killed, taken["url"])["answer"]["seed"] == 3
