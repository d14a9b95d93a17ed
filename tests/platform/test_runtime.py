"""The stand-in of SageMaker's runtime, asked by boto3 as the real one would be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.platform.endpoints import Queue
from tests.platform.hosting import Instance
from tests.platform.refusals import InvalidCall
from tests.platform.runtime import Runtime

NDJSON = "application/x-ndjson"

Start = Callable[..., Any]


@pytest.fixture
def start(instance: Instance) -> Iterator[Start]:
    """Starts a runtime in front of the instance; returns a client of it."""
    with ExitStack() as stack:

        def started(queue: Queue | None = None, **limits: Any) -> Any:
            endpoints = {"atelier": instance} | ({"queued": queue} if queue else {})
            patient: dict[str, Any] = {"plain_s": 600, "streamed_s": 600, **limits}
            return stack.enter_context(closing(stack.enter_context(Runtime(endpoints, **patient)).client()))

        yield started


def call(**fields: Any) -> dict[str, Any]:
    body = json.dumps({"type": "probe", "deadline_s": 600, **fields})
    return {"EndpointName": "atelier", "ContentType": "application/json", "Body": body}


def events(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Lines of JSON, wherever the transport has cut them."""
    with closing(answer["Body"]) as parts:
        content = b"".join(part["PayloadPart"]["Bytes"] for part in parts)
    return map(json.loads, content.splitlines())


def test_an_answer_comes_with_what_the_platform_passes_on(start: Start) -> None:
    answer = start().invoke_endpoint(**call(), CustomAttributes="trace=1;kept verbatim", InferenceId="asked-once")
    assert json.loads(answer["Body"].read())["id"] == "asked-once"
    assert answer["CustomAttributes"] == "trace=1;kept verbatim"
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert "x-request-id" not in answer["ResponseMetadata"]["HTTPHeaders"]


def test_an_error_of_the_container_is_a_model_error_that_carries_it(start: Start) -> None:
    client = start()
    with pytest.raises(client.exceptions.ModelError) as raised:
        client.invoke_endpoint(**call(seed=-1))
    said = raised.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert said["OriginalStatusCode"] == 422
    assert json.loads(said["OriginalMessage"])["field"] == "seed"


def test_a_call_that_takes_too_long_is_cut_and_its_job_can_be_asked_for_again(start: Start) -> None:
    hasty, slow = start(plain_s=0.2), call(id="too-slow", steps_s=[0.1] * 6)
    with pytest.raises(hasty.exceptions.ModelError, match="timed out") as raised:
        hasty.invoke_endpoint(**slow)
    assert raised.value.response["OriginalStatusCode"] == 0
    assert json.loads(start().invoke_endpoint(**slow)["Body"].read())["state"] == "done"


def test_a_body_over_the_limit_does_not_reach_the_container(start: Start) -> None:
    client = start(max_body_bytes=1000)
    with pytest.raises(ClientError, match="exceeded 1000 bytes") as raised:
        client.invoke_endpoint(**call(picture="x" * 1000))
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    with pytest.raises(client.exceptions.ModelError, match="more than 1000 bytes"):
        client.invoke_endpoint(**call(then="fill", kilobytes=1))


@pytest.mark.parametrize("part_bytes", [None, 7])
def test_a_stream_of_parts_holds_events_and_ends_with_the_answer(start: Start, part_bytes: int | None) -> None:
    client = start(part_bytes=part_bytes)
    answer = client.invoke_endpoint_with_response_stream(
        **call(steps_s=[0.02] * 5, seed=3), Accept=NDJSON, CustomAttributes="trace=2"
    )
    assert (answer["ContentType"], answer["CustomAttributes"]) == (NDJSON, "trace=2")
    *progress, last = events(answer)
    assert progress
    assert {event["event"] for event in progress} == {"progress"}
    assert (last["event"], last["state"], last["seed"]) == ("answer", "done", 3)


def test_a_failure_within_a_stream_is_told_in_it_and_one_before_it_is_a_model_error(start: Start) -> None:
    client = start()
    *_, last = events(client.invoke_endpoint_with_response_stream(**call(then="refuse"), Accept=NDJSON))
    assert (last["event"], last["status"], last["code"]) == ("problem", 422, "not_liked")
    with pytest.raises(client.exceptions.ModelError):
        client.invoke_endpoint_with_response_stream(**call(seed=-1), Accept=NDJSON)


def test_a_stream_that_takes_too_long_breaks_off_with_an_error_of_its_own(start: Start) -> None:
    slow = call(unforeseen_s=[0.1] * 100)
    answer = start(streamed_s=2).invoke_endpoint_with_response_stream(**slow, Accept=NDJSON)
    with closing(answer["Body"]) as parts, pytest.raises(EventStreamError, match="ModelStreamError"):
        list(parts)


@dataclass
class Letterbox:
    """A queue that nobody empties."""

    letters: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    inference_id = "letter-1"
    output_location = "s3://out/letter-1.out"
    failure_location = "s3://failed/letter-1.out"

    def submit(self, headers: Mapping[str, str], body: bytes) -> Letterbox:
        if not body:
            raise InvalidCall("an empty letter")
        self.letters.append((headers, body))
        return self


def test_an_asynchronous_call_goes_to_the_queue_and_is_answered_at_once(start: Start) -> None:
    client = start(queue := Letterbox())
    answer = client.invoke_endpoint_async(**call() | {"EndpointName": "queued"}, InvocationTimeoutSeconds=9)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "letter-1"
    assert (answer["OutputLocation"], answer["FailureLocation"]) == (queue.output_location, queue.failure_location)
    [(headers, body)] = queue.letters
    assert json.loads(body) == {"type": "probe", "deadline_s": 600}
    assert headers["X-Amzn-SageMaker-Content-Type"] == "application/json"
    assert headers["X-Amzn-SageMaker-InvocationTimeoutSeconds"] == "9"
    with pytest.raises(ClientError, match="an empty letter"):
        client.invoke_endpoint_async(EndpointName="queued", InputLocation="s3://in/1")


def test_calls_of_no_use_are_validation_errors(start: Start) -> None:
    client = start(Letterbox())
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        client.invoke_endpoint(**call() | {"EndpointName": "elsewhere"})
    with pytest.raises(ClientError, match=r"ValidationError.*does not support invocations"):
        client.invoke_endpoint(**call() | {"EndpointName": "queued"})
    with pytest.raises(ClientError, match=r"ValidationError.*does not support async"):
        client.invoke_endpoint_async(**call())
    with pytest.raises(ClientError, match=r"ValidationError.*CustomAttributes"):
        client.invoke_endpoint(**call(), CustomAttributes="x" * 1025)
