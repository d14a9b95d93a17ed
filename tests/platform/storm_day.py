"""One day of the storm: all jobs through one instance, with as many workers killed and S3 as faulty as is wanted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from PIL import Image
from tqdm import tqdm

from tests.conftest import KEYS, Bucket
from tests.faulty_s3 import FaultyS3
from tests.platform.async_request import MAX_INLINE_BYTES
from tests.platform.asynchronous import AsynchronousEndpoint
from tests.platform.delivery import End
from tests.platform.hosting import Instance
from tests.platform.runtime import Runtime
from tests.platform.storm_jobs import StormJob, pictures_in

AT_ONCE = 8  # MaxConcurrentInvocationsPerInstance: as many as the container runs
ENDPOINT = "atelier"
# What an asynchronous deployment sets.
DEPLOYED = {"OVERLOAD": "wait", "MAX_INLINE_BYTES": "0", "DEADLINE_S": "3500", "ENGINES": "tryon"}

Moment = tuple[int, float]  # after so many jobs, and so many seconds more


@dataclass(frozen=True)
class Day:
    """What came of all jobs. `outputs` and `failures` are the ids that have such an object."""

    name: str
    ends: Mapping[str, list[End]]
    outputs: set[str]
    failures: set[str]
    pictures: Mapping[str, dict[str, Image.Image]]
    seconds: float
    instance: Instance
    faults: Counter[str]
    killed: int


def day(
    name: str,
    jobs: Sequence[StormJob],
    bucket: Bucket,
    s3: FaultyS3,
    prefix: str,
    folder: Path,
    kills: Sequence[Moment],
) -> Day:
    """Send all jobs through an instance with a spool of its own.

    Args:
        s3: what the container takes for S3; the platform and the callers use `bucket`.
        prefix: the container's OUTPUT_PREFIX.
    """
    queue = f"s3://{bucket.name}/{name}/queue"
    endpoint = AsynchronousEndpoint(
        ENDPOINT, bucket.client, output_path=f"{queue}/out", failure_path=f"{queue}/bad", at_once=AT_ONCE
    )
    settings = {name: str(value) for name, value in bucket.settings.items()}
    role = settings | {"S3_ENDPOINT_URL": s3.url, "OUTPUT_PREFIX": prefix}
    s3.met.clear()
    with Instance(folder, environment=DEPLOYED | role) as instance:
        began = time.monotonic()
        submit(jobs, endpoint, bucket, name)
        killer = Killer(instance, endpoint, kills)
        endpoint.add(instance)
        killer.start()
        watch(endpoint, len(jobs), name)
        killer.join()
        endpoint.remove(instance)
        seconds = time.monotonic() - began
    return Day(
        name,
        endpoint.ends,
        objects(bucket, f"{name}/queue/out/", ".out"),
        objects(bucket, f"{name}/queue/bad/", "-error.out"),
        {job.id: pictures for job in jobs if (pictures := pictures_of(endpoint.ends[job.id][-1], bucket))},
        seconds,
        instance,
        Counter(s3.met),
        killer.killed,
    )


def submit(jobs: Sequence[StormJob], endpoint: AsynchronousEndpoint, bucket: Bucket, name: str) -> None:
    """Ask as callers do, the body inline where it fits and every other time."""
    with Runtime({ENDPOINT: endpoint}) as runtime:
        client: Any = boto3.client(
            "sagemaker-runtime",
            endpoint_url=runtime.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        for i, job in enumerate(jobs):
            inline = len(job.body) <= MAX_INLINE_BYTES and i % 2 == 0
            body = {"Body": job.body} if inline else {"InputLocation": bucket.put(f"{name}/in/{job.id}", job.body)}
            client.invoke_endpoint_async(
                EndpointName=ENDPOINT,
                InferenceId=job.id,
                ContentType=job.content_type,
                Accept=job.accept,
                InvocationTimeoutSeconds=3600,
                **body,
            )


def watch(endpoint: AsynchronousEndpoint, count: int, name: str) -> None:
    with tqdm(total=count, desc=name, unit="job") as bar:
        while (done := endpoint.count()) < count:
            bar.update(done - bar.n)
            time.sleep(0.2)
        bar.update(done - bar.n)


class Killer(threading.Thread):
    """Kills a worker at each of these moments; `killed` counts them."""

    def __init__(self, instance: Instance, endpoint: AsynchronousEndpoint, moments: Sequence[Moment]) -> None:
        super().__init__(daemon=True)
        self.killed = 0
        self._instance = instance
        self._endpoint = endpoint
        self._moments = moments

    def run(self) -> None:
        for done, seconds in self._moments:
            while self._endpoint.count() < done:
                time.sleep(0.02)
            time.sleep(seconds)
            while not (workers := self._instance.workers()):  # the last one killed is not back yet
                time.sleep(0.02)
            workers[0].kill()
            self.killed += 1


def objects(bucket: Bucket, folder: str, suffix: str) -> set[str]:
    """The inference ids that have an object there."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=folder)
    names = (found["Key"] for page in pages for found in page.get("Contents", []))
    return {name.removeprefix(folder).removesuffix(suffix) for name in names}


def pictures_of(end: End, bucket: Bucket) -> dict[str, Image.Image]:
    """Those a job has ended with; none if it failed."""
    if end.status != "Completed":
        return {}
    found = bucket.client.get_object(Bucket=bucket.name, Key=end.location.split("/", 3)[3])
    return pictures_in(found["Body"].read(), found["ContentType"], bucket)
