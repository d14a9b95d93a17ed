"""Calls of an endpoint through boto3 that look like an httpx transport: a client of the container's own `/invocations`
need not know.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer

from tests.platform.async_request import MAX_INLINE_BYTES
from tests.platform.asynchronous import AsynchronousEndpoint
from tests.platform.hosting import Instance
from tests.platform.runtime import Runtime

ENDPOINT, BUCKET = "atelier", "atelier-local"
JOB_S = 3600  # InvocationTimeoutSeconds
AT_ONCE = 8
_KEYS: dict[str, str] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
_POLL_S = 0.2
_NO_ANSWER = 504  # what a client is told when the container has said nothing


class Realtime(httpx.BaseTransport):
    """Each POST is one InvokeEndpoint; its answer looks like a stream that has only its end."""

    def __init__(self, url: str) -> None:
        self._client = client("sagemaker-runtime", url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=ENDPOINT,
                ContentType=request.headers["content-type"],
                Accept="application/json",
                Body=request.read(),
            )
        except ClientError as error:
            said: str = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
            return problem(said)
        except BotoCoreError as error:
            raise httpx.ReadError(str(error)) from error
        return ended(answer["Body"].read())


class Queued(httpx.BaseTransport):
    """Each POST is one InvokeEndpointAsync, and waits for the object in S3 that ends it."""

    def __init__(self, url: str, s3: Any) -> None:
        self._client = client("sagemaker-runtime", url)
        self._s3 = s3

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        accepted = self._client.invoke_endpoint_async(
            EndpointName=ENDPOINT,
            ContentType=request.headers["content-type"],
            Accept="application/json",
            InvocationTimeoutSeconds=JOB_S,
            **self._input(request.read()),
        )
        while True:
            if (content := self._read(accepted["OutputLocation"])) is not None:
                return ended(content)
            if (content := self._read(accepted["FailureLocation"])) is not None:
                return problem(content.decode(errors="replace"))
            time.sleep(_POLL_S)

    def _input(self, body: bytes) -> dict[str, Any]:
        if len(body) <= MAX_INLINE_BYTES:
            return {"Body": body}
        key = f"in/{uuid.uuid4()}"
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return {"InputLocation": f"s3://{BUCKET}/{key}"}

    def _read(self, uri: str) -> bytes | None:
        try:
            content: bytes = self._s3.get_object(Bucket=BUCKET, Key=uri.split("/", 3)[3])["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return content


@contextlib.contextmanager
def realtime_calls(instance: Instance) -> Iterator[Realtime]:
    """A real-time endpoint, and the instance behind it."""
    with Runtime({ENDPOINT: instance}) as runtime:
        yield Realtime(runtime.url)


@contextlib.contextmanager
def queued_calls(instance: Instance) -> Iterator[Queued]:
    """An S3, a queue, and the instance behind it."""
    moto = ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        s3 = client("s3", f"http://{host}:{port}")
        s3.create_bucket(Bucket=BUCKET)
        out, bad = f"s3://{BUCKET}/out", f"s3://{BUCKET}/bad"
        queue = AsynchronousEndpoint(ENDPOINT, s3, output_path=out, failure_path=bad, at_once=AT_ONCE)
        queue.add(instance)
        with Runtime({ENDPOINT: queue}) as runtime:
            yield Queued(runtime.url, s3)
        queue.remove(instance)
    finally:
        moto.stop()


def client(service: str, url: str) -> Any:
    """boto3's, which waits longer than the platform does and sends nothing twice."""
    config = Config(read_timeout=70, retries={"total_max_attempts": 1}, proxies={})
    return boto3.client(service, endpoint_url=url, config=config, **_KEYS)


def ended(answer: bytes) -> httpx.Response:
    return httpx.Response(200, json=json.loads(answer) | {"event": "answer"})


def problem(said: str) -> httpx.Response:
    """What the container said, or for want of that the platform."""
    try:
        status = json.loads(said)["status"]
    except (ValueError, KeyError, TypeError):
        return httpx.Response(_NO_ANSWER, text=said)
    return httpx.Response(status, text=said, headers={"Content-Type": "application/problem+json"})
