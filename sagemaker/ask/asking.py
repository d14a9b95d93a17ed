"""Ask a real-time endpoint: for one answer, or for a stream of progress that ends with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from botocore.client import BaseClient
from common.failures import Failed, Interrupted, Json, Refused, told

from ask.attempts import ATTEMPTS, body_of, until_definite

MAX_BODY_BYTES = 6_291_456  # BodyBlob in the API's model

OnProgress = Callable[[str, int, int], None]


def realtime(runtime: BaseClient, endpoint: str, request: Json, *, attempts: int = ATTEMPTS) -> Json:
    """The answer to one request with an `id`, sent up to `attempts` times.

    Raises:
        Refused: the container's problem; `retryable` even after the last attempt.
        Interrupted: no attempt has had an answer.
        Failed: anything else.
    """

    def once() -> Json:
        with told():
            answer: Json = json.loads(runtime.invoke_endpoint(**plain_call(endpoint, request))["Body"].read())
        return answer

    return until_definite(once, attempts)


def stream(
    runtime: BaseClient, endpoint: str, request: Json, *, on_progress: OnProgress, attempts: int = ATTEMPTS
) -> Json:
    """As `realtime`, told of stages on the way: `on_progress(stage, done, total)`."""
    call = streamed_call(endpoint, request)

    def once() -> Json:
        with told(), closing(runtime.invoke_endpoint_with_response_stream(**call)["Body"]) as parts:
            for line in lines_of(parts):
                event: Json = json.loads(line)
                if event["event"] == "answer":
                    return event
                if event["event"] == "problem":
                    raise Refused(event)
                on_progress(event["stage"], event["done"], event["total"])
        raise Interrupted("the stream ended without an answer")

    return until_definite(once, attempts)


def lines_of(events: Iterable[Json]) -> Iterator[bytes]:
    """The lines of a streamed answer, whose parts begin and end anywhere."""
    rest = b""
    for event in events:
        *lines, rest = (rest + event["PayloadPart"]["Bytes"]).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


def plain_call(endpoint: str, request: Json) -> Json:
    """The parameters of InvokeEndpoint.

    Raises:
        Failed: it is too large to be sent.
    """
    body = body_of(request)
    if len(body) > MAX_BODY_BYTES:
        raise Failed(
            f"the request has {len(body)} bytes, SageMaker takes {MAX_BODY_BYTES}: name pictures by s3://, "
            "or use an asynchronous endpoint"
        )
    return {"EndpointName": endpoint, "ContentType": "application/json", "Accept": "application/json", "Body": body}


def streamed_call(endpoint: str, request: Json) -> Json:
    """The parameters of InvokeEndpointWithResponseStream."""
    return {**plain_call(endpoint, request), "Accept": "application/x-ndjson"}
