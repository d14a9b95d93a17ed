"""Where results go: inline, a folder, S3; and what happens when they cannot go there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.s3 import S3
from tests.conftest import KEYS, Bucket, MotoProcess
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs_api import ended, hand_in
from tests.server import Server, eventually, serving


def test_a_result_is_stored_under_the_id_with_the_manifest(s3_server: Server, bucket: Bucket) -> None:
    answer = s3_server.probe(id="stored", seed=1).json()
    [output] = answer["outputs"]
    assert output["uri"] == f"s3://{bucket.name}/out/stored/result.txt"
    assert "data" not in output
    assert hashlib.sha256(bucket.read(output["uri"])).hexdigest() == output["sha256"]
    manifest = json.loads(bucket.read(f"s3://{bucket.name}/out/stored/manifest.json"))
    assert manifest["answer"] == answer


def test_what_is_created_once_is_not_created_again(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    s3 = S3(region="us-east-1", endpoint_url=bucket.url)
    uri = f"s3://{bucket.name}/once/manifest.json"
    assert asyncio.run(s3.create(uri, b"first", "application/json"))
    assert not asyncio.run(s3.create(uri, b"second", "application/json"))
    assert bucket.read(uri) == b"first"


def test_nothing_is_stored_when_the_client_wants_the_bytes(s3_server: Server, bucket: Bucket) -> None:
    answer = s3_server.probe(id="inline", output={"inline": True}).json()
    assert base64.b64decode(answer["outputs"][0]["data"]).startswith(b"seed")
    assert bucket.keys("out/inline/") == []


@pytest.mark.parametrize(
    "prefix",
    [
        "s3://elsewhere/",
        "s3://results/",
        "s3://results/out",
        "s3://results/out/../",
        "s3://results/out/%2e%2e/",
        "file:///etc/",
        "https://x/",
    ],
)
def test_a_prefix_outside_the_allowed_ones_is_refused(s3_server: Server, prefix: str) -> None:
    assert_problem(s3_server.probe(output={"prefix": prefix}), 422, "output_not_allowed", "output.prefix")


def test_a_prefix_below_the_default_one_is_allowed(s3_server: Server, bucket: Bucket) -> None:
    answer = s3_server.probe(output={"prefix": f"s3://{bucket.name}/out/deeper/"}).json()
    assert answer["outputs"][0]["uri"].startswith(f"s3://{bucket.name}/out/deeper/{answer['id']}/")


def test_a_service_without_a_prefix_answers_inline_and_stores_nowhere(server: Server) -> None:
    assert "data" in server.probe().json()["outputs"][0]
    assert_problem(server.probe(output={"prefix": "s3://any/"}), 422, "output_not_allowed", "output.prefix")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def to_folder(tmp_path_factory: pytest.TempPathFactory, results: Path) -> Iterator[Server]:
    """Results go to a folder, inline answers are small and nothing is kept for long."""
    settings = {"OUTPUT_PREFIX": f"{results.as_uri()}/", "MAX_INLINE_BYTES": 100_000, "JOB_TTL_S": 1}
    with serving(tmp_path_factory.mktemp("to_folder"), **settings) as running:
        yield running


def test_results_may_go_to_a_folder(to_folder: Server, results: Path) -> None:
    answer = to_folder.probe(id="one").json()
    assert answer["outputs"][0]["uri"] == (results / "one" / "result.txt").as_uri()
    assert (results / "one" / "result.txt").read_bytes().startswith(b"seed")
    assert sorted(path.name for path in (results / "one").iterdir()) == ["manifest.json", "result.txt"]


def test_an_inline_answer_has_as_many_bytes_as_the_limit_and_no_more(to_folder: Server) -> None:
    inline = {"then": "fill", "output": {"inline": True}}
    assert to_folder.probe(**inline, kilobytes=70).status_code == 200
    problem = assert_problem(to_folder.probe(**inline, kilobytes=80), 413, "inline_too_large", "output.inline")
    assert "output.prefix" in problem["detail"]


def test_pictures_are_erased_when_they_are_stored_and_answers_when_they_are_old(
    to_folder: Server, picture: str
) -> None:
    before = set(to_folder.jobs())
    to_folder.probe(id="short-lived", picture=picture)
    [directory] = set(to_folder.jobs()) - before
    assert [path.name for path in directory.iterdir()] == ["answer.json"]
    time.sleep(1.1)
    workers = to_folder.workers()
    to_folder.kill()
    eventually(lambda: not any(worker.is_running() for worker in workers))
    to_folder.restart()  # expiry runs at start and then every minute
    eventually(lambda: to_folder.jobs() == [])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoProcess]:
    """A storage that may be stopped, and then is empty."""
    storage = MotoProcess(tmp_path_factory.mktemp("own") / "own.log")
    yield storage
    storage.stop()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, own: MotoProcess) -> Iterator[Server]:
    """Its clients do not wait long."""
    with serving(tmp_path_factory.mktemp("patient"), **Bucket(own.url).settings, DEADLINE_S=0.5) as server:
        yield server


def computed_in_vain(server: Server, own: MotoProcess, body: dict[str, Any]) -> None:
    """A job whose result cannot be stored."""
    own.stop()
    hand_in(server, **body)
    eventually(lambda: list(server.spool.glob("*/result.json")))


def test_a_result_that_cannot_be_stored_is_kept_and_stored_later(patient: Server, own: MotoProcess) -> None:
    body = {"id": "patient", "seed": 1}
    computed_in_vain(patient, own, body)
    problem = assert_problem(patient.probe(**body), 502, "not_stored")
    assert problem["retryable"]
    assert len(patient.jobs()) == 1
    own.start()
    bucket = Bucket(own.url)
    [output] = ended(patient, "/api/jobs/patient")["answer"]["outputs"]
    assert hashlib.sha256(bucket.read(output["uri"])).hexdigest() == output["sha256"]


def test_a_result_computed_before_the_front_was_killed_is_stored_after_its_restart(
    patient: Server, own: MotoProcess
) -> None:
    computed_in_vain(patient, own, {"id": "survivor", "seed": 9})
    workers = patient.workers()
    patient.kill()
    eventually(lambda: not any(worker.is_running() for worker in workers))
    own.start()
    bucket = Bucket(own.url)
    patient.restart()
    eventually(lambda: "out/survivor/manifest.json" in bucket.keys("out/survivor/"))
    answer = ended(patient, "/api/jobs/survivor")["answer"]
    assert (answer["seed"], answer["state"]) == (9, "done")


def test_an_inline_job_without_an_id_leaves_nothing_behind(server: Server, picture: str) -> None:
    before = server.jobs()
    server.probe(picture=picture)
    assert server.jobs() == before


def test_outputs_in_s3_may_come_with_addresses_that_anybody_can_read(s3_server: Server, bucket: Bucket) -> None:
    [output] = s3_server.probe(id="presigned", output={"presign_s": 60}).json()["outputs"]
    assert "X-Amz-Expires=60" in output["presigned_url"]
    assert httpx.get(output["presigned_url"], timeout=600).content == bucket.read(output["uri"])
    assert "X-Amz" not in bucket.read("s3://results/out/presigned/manifest.json").decode()
    assert "presigned_url" not in s3_server.probe().json()["outputs"][0]


@pytest.mark.parametrize("seconds", [0, 7 * 24 * 3600 + 1])
def test_addresses_are_signed_for_a_week_at_most(s3_server: Server, seconds: int) -> None:
    assert_problem(s3_server.probe(output={"presign_s": seconds}), 422, "invalid_field", "output.presign_s")
    assert s3_server.probe(output={"presign_s": 7 * 24 * 3600}).status_code == 200
