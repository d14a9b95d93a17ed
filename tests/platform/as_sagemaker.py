"""For `local_invoke.py --as-sagemaker`: a container under SageMaker's conditions, asked through boto3.

It looks like an httpx transport, so that a client of the container's own routes need not know.

Real-time calls have 60 s and 6 MB each way. Asynchronous ones (`queued`) go through S3, which is moto's server here.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer

from tests.platform.async_request import MAX_INLINE_BYTES
from tests.platform.asynchronous import AsynchronousEndpoint
from tests.platform.hosting import Instance, Unhealthy
from tests.platform.runtime import Runtime
from tests.server import free_port

__all__ = ["ContractBroken", "Unhealthy", "as_sagemaker"]

ENDPOINT, BUCKET = "atelier", "atelier-local"
JOB_S = 3600  # InvocationTimeoutSeconds
AT_ONCE = 8
# What an asynchronous deployment sets.
QUEUED = {"OVERLOAD": "wait", "MAX_INLINE_BYTES": "0", "DEADLINE_S": "3500"}
_KEYS: dict[str, str] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
_POLL_S = 0.2
_NO_ANSWER = 504  # what a client is told when the container has said nothing


class ContractBroken(Exception):  # noqa: N818 - what happened
    """The platform would not have put up with it."""


@contextlib.contextmanager
def as_sagemaker(
    model_dir: str, image: str, *, queued: bool, say: Callable[[str], None]
) -> Iterator[httpx.BaseTransport]:
    """Host a container for the time of a `with`; yields what sends `/invocations` to it.

    Args:
        model_dir: a folder of checkpoints, or `demo`.
        image: run by podman or docker; empty: the server of this checkout, as a process.
        queued: as an asynchronous endpoint.
        say: told, in a line each, what is going on and what the platform saw.

    Raises:
        Unhealthy: the container did not start in time.
        ContractBroken: in the end, when everything else went well.
    """
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        instance = make(Path(folder), model_dir, image, QUEUED if queued else {})
        say(f"starting {image or 'a server'} as SageMaker does (model {model_dir}) ...")
        began = time.monotonic()
        instance.start()
        say(f"ready after {time.monotonic() - began:.1f} s")
        try:
            with (queued_calls if queued else realtime_calls)(instance) as transport:
                yield transport
        finally:
            stopped = instance.stop()
            if stopped.killed:
                instance.violations.append(f"it did not end within {stopped.seconds:.0f} s of SIGTERM")
            tell(instance, say)
    if instance.violations:
        raise ContractBroken(f"{len(instance.violations)} violations of SageMaker's contract")


def make(folder: Path, model_dir: str, image: str, environment: Mapping[str, str]) -> Instance:
    """The instance, not started."""
    port = free_port()
    where = model_dir if model_dir == "demo" else str(Path(model_dir).resolve())
    command = run_image(image, where, port, environment) if image else None
    return Instance(folder, model_dir=where, environment=environment, command=command, port=port)


def run_image(image: str, model_dir: str, port: int, environment: Mapping[str, str]) -> list[str]:
    """The command that runs an image with `serve`, the weights read-only where the platform puts them.

    Raises:
        FileNotFoundError: there is neither podman nor docker.
    """
    engine = shutil.which("podman") or shutil.which("docker")
    if engine is None:
        raise FileNotFoundError("neither podman nor docker is installed, so no image can be run")
    mounted = [] if model_dir == "demo" else ["--volume", f"{model_dir}:/opt/ml/model:ro"]
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), **environment}
    if model_dir == "demo":
        variables["MODEL_DIR"] = model_dir
    set_there = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    return [engine, "run", "--rm", "--network", "host", *mounted, *set_there, image, "serve"]


def tell(instance: Instance, say: Callable[[str], None]) -> None:
    """What the platform saw."""
    slowest_s = max(ping.seconds for ping in instance.pings)
    say(f"SageMaker sent {len(instance.pings)} pings, the slowest was answered after {1000 * slowest_s:.0f} ms")
    for missing in instance.not_played:
        say(f"note: not played here: {missing}")
    for violation in instance.violations:
        say(f"violation: {violation}")
    if not instance.violations:
        say("it saw no violations of its contract")


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
        places = {"output_path": f"s3://{BUCKET}/out", "failure_path": f"s3://{BUCKET}/bad"}
        queue = AsynchronousEndpoint(ENDPOINT, s3, **places, at_once=AT_ONCE)
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
