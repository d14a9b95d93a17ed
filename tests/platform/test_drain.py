"""An instance is taken away in the middle of twenty jobs: each ends once, and its replacement does the rest."""

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
from tests.platform.hosting import Instance
from tests.platform.runtime import Runtime
from tests.server import eventually

JOBS = 20
PROBE = [sys.executable, "-m", "tests.probe", "serve"]
# Four at once, each a second long; from SIGTERM on 1.5 s of work and 2 s for the last answers.
SETTINGS = {"ENGINES": "probe", "MAX_LIVE_JOBS": "4", "OVERLOAD": "wait", "DRAIN_S": "3.5"}


@pytest.fixture
def queue(bucket: Bucket) -> AsynchronousEndpoint:
    folder = f"s3://{bucket.name}/drain"
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


def test_every_request_ends_once_and_the_replacement_does_what_was_not_done(
    queue: AsynchronousEndpoint, runtime: Any, bucket: Bucket, tmp_path: Path
) -> None:
    ids = [f"drained-{i}" for i in range(JOBS)]
    role = {name: str(value) for name, value in bucket.settings.items()}

    def start(name: str) -> Instance:
        (tmp_path / name).mkdir()
        instance = Instance(tmp_path / name, command=PROBE, environment=SETTINGS | role)
        instance.start()
        queue.add(instance)
        return instance

    def ask(job_id: str) -> Any:
        request = {"type": "probe", "id": job_id, "steps_s": [0.1] * 10, "seed": int(job_id[8:])}
        return invoke.asynchronous(runtime, bucket.client, "atelier", request, wait_s=120, poll_s=0.1)

    first = start("first")
    with ThreadPoolExecutor(JOBS) as callers:
        answers = callers.map(ask, ids)
        eventually(lambda: queue.count() >= 1, within_s=60)
        stopping = threading.Thread(target=first.stop)
        stopping.start()
        queue.remove(first)
        stopping.join()
        assert_each_ended_once(queue, bucket)
        replacement = start("replacement")
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
