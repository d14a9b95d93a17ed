"""S3 that refuses, throttles, hangs or breaks off: results are kept, and nobody else notices."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.answers import Answer, StoredOutput, UsedModel
from serve.clients.omoib import Omoib
from serve.errors import NotStored
from serve.results import Results
from serve.s3 import S3
from serve.store import Store
from tests.conftest import KEYS, Bucket
from tests.faulty_s3 import FaultyS3, faulty_s3
from tests.serve.test_invocations import assert_problem, events
from tests.serve.test_jobs_api import hand_in
from tests.server import Server, eventually, serving


@pytest.fixture(scope="module")
def s3(bucket: Bucket) -> Iterator[FaultyS3]:
    with faulty_s3(bucket.url) as running:
        yield running


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, s3: FaultyS3) -> Iterator[Server]:
    settings = bucket.settings | {"S3_ENDPOINT_URL": s3.url, "S3_SILENCE_S": 1}
    with serving(tmp_path_factory.mktemp("faulty"), **settings, STREAM_DEADLINE_S=0.3) as running:
        yield running


def problem_now(server: Server, **fields: Any) -> dict[str, Any]:
    """What a stream of a request ends with, whose time is over almost at once."""
    told = events(server.invoke({"type": "probe", **fields}, Accept="application/x-ndjson"))[-1]
    assert told["event"] == "problem", told
    return told


def manifest_of(bucket: Bucket, job_id: str) -> Any:
    """None if there is none yet."""
    key = f"out/{job_id}/manifest.json"
    return json.loads(bucket.read(f"s3://{bucket.name}/{key}")) if key in bucket.keys(f"out/{job_id}/") else None


def test_a_result_that_s3_does_not_take_is_kept_the_answer_says_why_and_it_is_stored_later(
    faulty: Server, s3: FaultyS3, bucket: Bucket
) -> None:
    reasons = {
        "hang": "ReadTimeoutError",
        "SlowDown": "SlowDown",
        "AccessDenied": "AccessDenied",
        "cut": "ConnectionClosedError",
    }
    s3.faults |= {f"/id-{fault}/": fault for fault in reasons}

    bodies = {fault: {"id": f"id-{fault}", "seed": 3} for fault in reasons}
    for body in bodies.values():
        hand_in(faulty, **body)
    eventually(lambda: len(list(faulty.spool.glob("*/result.json"))) == len(bodies))
    for fault, reason in reasons.items():
        eventually(lambda b=bodies[fault], r=reason: r in problem_now(faulty, **b)["detail"])  # after its last attempt
        problem = problem_now(faulty, **bodies[fault])
        assert (problem["status"], problem["code"], problem["retryable"]) == (502, "not_stored", True)
    assert len(faulty.jobs()) == len(reasons)
    s3.faults.clear()
    for fault, body in bodies.items():
        response = faulty.probe(**body)
        assert response.status_code == 200, response.text
        assert manifest_of(bucket, f"id-{fault}")["answer"] == response.json()
        stored = [path.rsplit("/", 1)[1] for path in s3.stored if f"/id-{fault}/" in path]
        assert list(dict.fromkeys(stored)) == ["result.txt", "manifest.json"]  # perhaps more than once each


def test_there_is_no_manifest_before_everything_else_is_stored(faulty: Server, s3: FaultyS3, bucket: Bucket) -> None:
    s3.faults["/ordered/result.txt"] = "AccessDenied"
    hand_in(faulty, id="ordered")
    eventually(lambda: "AccessDenied" in problem_now(faulty, id="ordered")["detail"])
    assert bucket.keys("out/ordered/") == []
    s3.faults.clear()
    eventually(lambda: manifest_of(bucket, "ordered"))
    assert sorted(bucket.keys("out/ordered/")) == ["out/ordered/manifest.json", "out/ordered/result.txt"]


def test_storage_is_asked_for_an_earlier_answer_only_under_an_id_that_may_have_one(
    faulty: Server, s3: FaultyS3, bucket: Bucket
) -> None:
    s3.asked.clear()
    drawn = faulty.probe().json()["id"]
    chosen = faulty.probe(id="chosen").json()["id"]
    for job_id, calls in ((drawn, ["PUT result.txt", "PUT manifest.json"]), (chosen, ["GET manifest.json"])):
        made = [f"{call.split()[0]} {call.rsplit('/', 1)[1]}" for call in s3.asked if f"/{job_id}/" in call]
        assert made[: len(calls)] == calls


def test_s3_is_told_what_it_should_have_got(faulty: Server, s3: FaultyS3, bucket: Bucket) -> None:
    [output] = faulty.probe(id="summed").json()["outputs"]
    sent = s3.checksums[f"/{bucket.name}/out/summed/{output['name']}"]
    assert base64.b64decode(sent).hex() == output["sha256"]


def test_while_s3_hangs_everything_else_goes_on(faulty: Server, s3: FaultyS3, bucket: Bucket, picture: str) -> None:
    s3.faults["/hung-"] = "hang"
    ids = [f"hung-{number}" for number in range(40)]  # more than asyncio ever has threads of its own
    for job_id in ids:
        body = {"type": "probe", "id": job_id}
        assert faulty.client.post("/api/jobs", json=body).status_code == 202
    for _ in range(5):
        assert faulty.client.get("/ping").status_code == 200
        assert faulty.probe(picture=picture, output={"inline": True}).status_code == 200
    assert all(manifest_of(bucket, job_id) is None for job_id in ids)
    s3.faults.clear()
    eventually(lambda: all(manifest_of(bucket, job_id) for job_id in ids))


@pytest.mark.parametrize(
    ("fault", "reason", "retryable"),
    [("AccessDenied", "AccessDenied", False), ("cut", "IncompleteReadError", True)],
)
def test_an_input_that_s3_does_not_give_is_named(
    faulty: Server, s3: FaultyS3, bucket: Bucket, png: bytes, fault: str, reason: str, retryable: bool
) -> None:
    uri = bucket.put(f"inputs/{fault}.png", png)
    s3.faults["/inputs/"] = fault
    problem = assert_problem(faulty.probe(picture=uri, output={"inline": True}), 424, "input_unavailable", "picture")
    s3.faults.clear()
    assert reason in problem["detail"]
    assert problem["retryable"] is retryable
    assert faulty.probe(picture=uri, output={"inline": True}).status_code == 200


@pytest.mark.parametrize("fault", ["cut", "SlowDown"])
def test_an_input_that_s3_gives_after_a_while_is_waited_for(
    faulty: Server, s3: FaultyS3, bucket: Bucket, png: bytes, fault: str
) -> None:
    uri = bucket.put("inputs/late.png", png)
    attempts = 1 if fault == "cut" else 3  # boto3 asks three times, but never for the rest of a body
    s3.weather = iter([fault] * attempts)
    assert faulty.probe(picture=uri, output={"inline": True}).status_code == 200
    assert list(s3.weather) == []


def test_a_stored_picture_is_read_back_until_storage_gives_it(
    bucket: Bucket, s3: FaultyS3, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    store = Store(s3=S3(region="us-east-1", endpoint_url=s3.url, silence_s=1), default_prefix=None, allow=())
    results = Results(store=store, deliveries=[Omoib(store=store, prefix=None, queue=None)], max_inline_bytes=0)
    uri = bucket.put("stored/result.png", png)
    stored = StoredOutput(name="result.png", content_type="image/png", bytes=len(png), sha256="", uri=uri)
    used = UsedModel(engine="probe", fingerprint=None, licence=None)
    answer = Answer(
        id="1",
        type="probe",
        engine="probe",
        state="done",
        seed=0,
        settings={},
        outputs=[stored],
        warnings=[],
        timings={},
        model=used,
    )
    s3.weather = iter(["SlowDown"] * 3)
    assert asyncio.run(results.bytes_of(answer, "image/*")) == (png, "image/png")
    s3.weather = iter(["AccessDenied"] * 3)
    with pytest.raises(NotStored, match="does not give it back now"):
        asyncio.run(results.bytes_of(answer, "image/*"))
    assert list(s3.weather) == []


def test_under_network_isolation_inline_answers_work_and_the_others_say_why_not(tmp_path: Path, picture: str) -> None:
    (tmp_path / "home").mkdir()
    settings = {
        "OUTPUT_PREFIX": "s3://results/out/",
        "HOME": tmp_path / "home",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with serving(tmp_path, **settings) as server:
        problem = assert_problem(server.probe(id="isolated", picture=picture), 502, "not_stored")
        assert "not computed" in problem["detail"]  # it is refused, not tried until the deadline
        assert "NoCredentialsError" in problem["detail"]
        assert "no AWS credentials" in problem["detail"]
        assert "only inline answers work" in problem["detail"]
        assert server.probe(picture=picture, output={"inline": True}).status_code == 200
        picture_from_s3 = server.probe(picture="s3://results/a.png", output={"inline": True})
        problem = assert_problem(picture_from_s3, 424, "input_unavailable", "picture")
        assert "NoCredentialsError" in problem["detail"]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, s3: FaultyS3) -> Iterator[Server]:
    """It does not mind S3's silence. The last test ends it."""
    settings = bucket.settings | {"S3_ENDPOINT_URL": s3.url, "DRAIN_S": 4}
    with serving(tmp_path_factory.mktemp("patient"), **settings) as running:
        yield running


def test_a_file_that_was_just_stored_is_not_read_again_to_be_the_answer(
    faulty: Server, s3: FaultyS3, bucket: Bucket
) -> None:
    body = {"id": "file", "seed": 3, "output": {"prefix": f"s3://{bucket.name}/out/"}}
    first = faulty.invoke({"type": "probe", **body}, Accept="text/plain")
    assert first.content == bucket.read(f"s3://{bucket.name}/out/file/result.txt")
    asked = [request for request in s3.asked if request.endswith("/out/file/result.txt")]
    assert [request.split()[0] for request in asked] == ["PUT"]
    assert faulty.invoke({"type": "probe", **body}, Accept="text/plain").content == first.content  # now it is


def test_jobs_count_from_when_they_are_taken_and_not_only_when_their_inputs_are_there(
    patient: Server, bucket: Bucket, s3: FaultyS3
) -> None:
    """Of two in one breath the second would end too late, though no worker has heard of any."""
    s3.faults["/slow/"] = "hang"
    body = {"type": "probe", "steps_s": [1.0] * 100, "picture": f"s3://{bucket.name}/slow/a.png"}
    assert patient.probe(steps_s=[0.2]).status_code == 200  # it learns its pace

    def asked_for(job_id: str, deadline_s: float) -> httpx.Response:
        asked = {**body, "id": job_id, "deadline_s": deadline_s}
        return httpx.post(f"{patient.url}/api/jobs", json=asked, timeout=600)

    alone_s = asked_for("first", 3600).json()["estimated_s"]
    with ThreadPoolExecutor(2) as pool:
        second, third = pool.map(lambda job_id: asked_for(job_id, 2.5 * alone_s), ["second", "third"])
    s3.faults.clear()
    assert sorted([second.status_code, third.status_code]) == [202, 429]
    refused = second if second.status_code == 429 else third
    assert assert_problem(refused, 429, "overloaded")["retry_after_s"] == pytest.approx(0.5 * alone_s, rel=0.1)


def test_the_end_does_not_wait_for_a_call_that_hangs(patient: Server, s3: FaultyS3) -> None:
    s3.faults["/stuck/"] = "hang"
    hand_in(patient, id="stuck")
    eventually(lambda: [call for call in s3.asked if call.startswith("PUT") and "/stuck/" in call])
    assert patient.stop() == 0
    assert len(list(patient.spool.glob("*/result.json"))) == 1
    s3.faults.clear()
