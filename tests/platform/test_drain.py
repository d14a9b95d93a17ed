"""Ours behind a queue: requests come twice, and an instance is taken away in the middle of twenty jobs."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import invoke
import pytest

from tests.conftest import KEYS, Bucket
from tests.platform.asynchronous import AsynchronousEndpoint
from tests.platform.conftest import PATIENCE
from tests.platform.hosting import Instance
from tests.platform.runtime import Runtime
from tests.server import eventually

JOBS = 20
PROBE = [sys.executable, "-m", "tests.probe", "serve"]
# From SIGTERM on there are 1.5 s for work and 2 s for the last answers.
SETTINGS = {"ENGINES": "probe", "OVERLOAD": "wait", "DRAIN_S": "3.5"}
ONE_BY_ONE, TOGETHER = {"MAX_LIVE_JOBS": "1"}, {"MAX_LIVE_JOBS": str(JOBS)}  # a second each


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Instance]:
    """For all tests here; the last takes it away."""
    with host(tmp_path_factory.mktemp("first"), bucket, ONE_BY_ONE) as instance:
        yield instance


def host(folder: Path, bucket: Bucket, settings: dict[str, str]) -> Instance:
    role = {name: str(value) for name, value in bucket.settings.items()}
    return Instance(folder, command=PROBE, environment=SETTINGS | role | settings, patience=PATIENCE)


@pytest.fixture
def queue(bucket: Bucket, request: pytest.FixtureRequest) -> AsynchronousEndpoint:
    folder = f"s3://{bucket.name}/{request.node.name}"
    return AsynchronousEndpoint(
        "atelier", bucket.client, output_path=f"{folder}/out", failure_path=f"{folder}/bad", at_once=JOBS
    )


@pytest.fixture
def runtime(queue: AsynchronousEndpoint) -> Iterator[Any]:
    """boto3's client of the endpoint."""
    with Runtime({"atelier": queue}) as running:
        yield boto3.client(
            "sagemaker-runtime",
            endpoint_url=running.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )


def test_a_request_is_stored_once_however_often_it_is_delivered(
    queue: AsynchronousEndpoint, runtime: Any, first: Instance, bucket: Bucket
) -> None:
    body = {"type": "probe", "id": "delivered-thrice", "steps_s": [0.1] * 5, "seed": 3}
    accepted = runtime.invoke_endpoint_async(
        EndpointName="atelier", Body=json.dumps(body), ContentType="application/json"
    )
    queue.deliver_again(accepted["InferenceId"])
    queue.add(first)
    queue.wait(2)
    queue.deliver_again(accepted["InferenceId"])
    queue.wait(3)
    queue.remove(first)
    assert [end.status for end in queue.ends[accepted["InferenceId"]]] == ["Completed"] * 3
    answer = json.loads(bucket.read(accepted["OutputLocation"]))
    folder = "out/delivered-thrice/"
    assert answer["outputs"][0]["uri"] == f"s3://{bucket.name}/{folder}result.txt"
    assert sorted(bucket.keys(folder)) == [f"{folder}manifest.json", f"{folder}result.txt"]


def test_a_stream_is_not_for_the_queue(queue: AsynchronousEndpoint, runtime: Any, first: Instance) -> None:
    body = json.dumps({"type": "probe"})
    accepted = runtime.invoke_endpoint_async(
        EndpointName="atelier", Body=body, ContentType="application/json", Accept="application/x-ndjson"
    )
    queue.add(first)
    queue.wait(1)
    queue.remove(first)
    assert "Content-Length" in queue.ends[accepted["InferenceId"]][0].reason


def test_every_request_ends_once_and_the_replacement_does_what_was_not_done(
    queue: AsynchronousEndpoint, runtime: Any, first: Instance, bucket: Bucket, tmp_path: Path
) -> None:
    ids = [f"drained-{i}" for i in range(JOBS)]

    def ask(job_id: str) -> Any:
        request = {"type": "probe", "id": job_id, "steps_s": [0.1] * 10, "seed": int(job_id[8:])}
        return invoke.asynchronous(runtime, bucket.client, "atelier", request, wait_s=600, poll_s=0.1)

    with ThreadPoolExecutor(JOBS) as callers:
        answers = callers.map(ask, ids)
        eventually(lambda: len(queue.ends) == JOBS)
        queue.add(first)
        eventually(lambda: queue.count() >= 1)
        stopping = threading.Thread(target=first.stop)
        stopping.start()
        queue.remove(first)
        stopping.join()
        assert_each_ended_once(queue, bucket)
        with host(tmp_path, bucket, TOGETHER) as replacement:
            queue.add(replacement)
            by_id = {answer["id"]: answer for answer in answers}
            queue.remove(replacement)
            stopped = replacement.stop()
    assert (first.process.returncode, stopped.status) == (0, 0)
    assert not first.violations + replacement.violations
    assert sorted(by_id) == sorted(ids)
    for job_id in ids:
        folder = f"out/{job_id}/"
        assert sorted(bucket.keys(folder)) == [f"{folder}manifest.json", f"{folder}result.txt"]
        manifest = json.loads(bucket.read(f"s3://{bucket.name}/{folder}manifest.json"))
        assert manifest["answer"] == by_id[job_id]
    completed = [end for ends in queue.ends.values() for end in ends if end.status == "Completed"]
    assert len(completed) == JOBS


def assert_each_ended_once(queue: AsynchronousEndpoint, bucket: Bucket) -> None:
    """A result that is stored, or a problem that says that sending it again helps."""
    delivered = [ends for ends in queue.ends.values() if ends]  # callers may have sent some again by now
    assert len(delivered) == JOBS
    done = 0
    for [end] in delivered:
        content = json.loads(bucket.read(end.location))
        if end.status == "Completed":
            done += 1
            assert bucket.keys(f"out/{content['id']}/manifest.json")
        else:
            assert (content["status"], content["code"], content["retryable"]) == (503, "draining", True)
    assert 0 < done < JOBS
