"""Ask an asynchronous endpoint: hand a request to its queue, and wait in S3 for what becomes of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from botocore.client import BaseClient
from common.command_line import split_uri
from common.failures import Failed, Interrupted, Json, Refused, problem_in, told
from tqdm import tqdm

from ask.attempts import ATTEMPTS, body_of, until_definite

MAX_BODY_BYTES = 128_000  # InvokeEndpointAsync's Body; larger requests go through S3
JOB_S = 3600  # InvocationTimeoutSeconds, its largest value: the container's own deadline is to come first
WAIT_S, POLL_S = 7200.0, 2.0  # a full queue takes long; a look costs a request to S3


@dataclass(frozen=True)
class Queued:
    """Where the outcome of a queued request will be: one of the two."""

    output: str
    failure: str | None


def asynchronous(
    runtime: BaseClient,
    s3: BaseClient,
    endpoint: str,
    request: Json,
    *,
    input_prefix: str | None = None,
    wait_s: float = WAIT_S,
    attempts: int = ATTEMPTS,
    poll_s: float = POLL_S,
) -> Json:
    """As `realtime`, through the queue. Each attempt has `wait_s` seconds and its own place for the outcome."""

    def once() -> Json:
        queued = submit(runtime, s3, endpoint, request, input_prefix=input_prefix)
        return collect(s3, queued, wait_s=wait_s, poll_s=poll_s)

    return until_definite(once, attempts)


def submit(
    runtime: BaseClient, s3: BaseClient, endpoint: str, request: Json, *, input_prefix: str | None = None
) -> Queued:
    """Hand a request to the queue, inline or, when it is too large for that, through S3 under `input_prefix`.

    Raises:
        Failed: it was not taken.
    """
    upload, parameters = queued_call(endpoint, request, input_prefix)
    with told():
        if upload:
            s3.put_object(**upload)
        answer = runtime.invoke_endpoint_async(**parameters)
    return Queued(answer["OutputLocation"], answer.get("FailureLocation"))


def collect(s3: BaseClient, queued: Queued, *, wait_s: float = WAIT_S, poll_s: float = POLL_S) -> Json:
    """The answer, when it is there.

    Raises:
        Refused, Interrupted: what the failure object says.
        Failed: neither output nor failure came within `wait_s` seconds.
    """
    ends = time.monotonic() + wait_s
    with tqdm(disable=None, bar_format="waiting {elapsed}") as bar:
        while True:
            if (output := _read(s3, queued.output)) is not None:
                answer: Json = json.loads(output)
                return answer
            if queued.failure and (failure := _read(s3, queued.failure)) is not None:
                raise failure_in(failure.decode(errors="replace"))
            if time.monotonic() > ends:
                raise Failed(f"no outcome within {wait_s:g} s; the same id may be sent again at any time")
            time.sleep(poll_s)
            bar.update()


def failure_in(text: str) -> Failed:
    """What a failure object says. Without the container's own word, nobody can tell how far it had come."""
    problem = problem_in(text)
    return Refused(problem) if problem else Interrupted(f"the platform reports: {text[:300]}")


def queued_call(endpoint: str, request: Json, input_prefix: str | None) -> tuple[Json | None, Json]:
    """The parameters of PutObject, if the request is too large for the queue, and of InvokeEndpointAsync.

    Raises:
        Failed: it is too large, and there is no `input_prefix`.
    """
    body = body_of(request)
    call = {
        "EndpointName": endpoint,
        "ContentType": "application/json",
        "Accept": "application/json",
        "InvocationTimeoutSeconds": JOB_S,
    }
    if len(body) <= MAX_BODY_BYTES:
        return None, {**call, "Body": body}
    if input_prefix is None:
        raise Failed(f"the request has {len(body)} bytes; more than {MAX_BODY_BYTES} need --input-prefix")
    uri = f"{input_prefix}{request['id']}.json"
    bucket, key = split_uri(uri)
    upload = {"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"}
    return upload, {**call, "InputLocation": uri}


def _read(s3: BaseClient, uri: str) -> bytes | None:
    """A small object's content; None while there is none."""
    bucket, key = split_uri(uri)
    with told():
        try:
            content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
    return content
