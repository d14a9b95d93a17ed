"""The asynchronous endpoint: what it refuses, passes on, stores and tells."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import KEYS, Bucket
from tests.platform.async_request import MAX_INLINE_BYTES, AsyncRequest
from tests.platform.asynchronous import AsynchronousEndpoint
from tests.platform.conftest import PATIENCE
from tests.platform.delivery import End
from tests.platform.hosting import Instance
from tests.platform.notes import Topics
from tests.platform.refusals import InvalidCall
from tests.platform.runtime import Runtime

SIMPLE = [sys.executable, "-m", "tests.platform.simple_container"]
PREFIX = "X-Amzn-SageMaker-"


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("simple"), command=SIMPLE, patience=PATIENCE) as running:
        yield running


@pytest.fixture
def endpoint(bucket: Bucket) -> AsynchronousEndpoint:
    return make(bucket)


def make(bucket: Bucket, at_once: int = 2, **options: Any) -> AsynchronousEndpoint:
    """One with folders of its own."""
    folder = f"s3://{bucket.name}/async/{uuid.uuid4()}"
    return AsynchronousEndpoint(
        "atelier", bucket.client, output_path=f"{folder}/out", failure_path=f"{folder}/bad", at_once=at_once, **options
    )


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )


def ask(endpoint: AsynchronousEndpoint, body: dict[str, Any], **headers: str) -> str:
    """Submit an inline body; returns the inference id."""
    named = {f"{PREFIX}{name.replace('_', '-')}": value for name, value in headers.items()}
    return endpoint.submit(named, json.dumps(body).encode()).inference_id


def ended(endpoint: AsynchronousEndpoint, instance: Instance, deliveries: int = 1) -> list[End]:
    """Let `instance` do what is waiting."""
    endpoint.add(instance)
    try:
        endpoint.wait(deliveries)
    finally:
        endpoint.remove(instance)
    return [end for ends in endpoint.ends.values() for end in ends]


def stored(bucket: Bucket, uri: str) -> Any:
    return json.loads(bucket.read(uri))


def test_boto3_names_an_input_in_s3_and_finds_the_answer_where_it_was_told(
    endpoint: AsynchronousEndpoint, simple: Instance, bucket: Bucket
) -> None:
    uri = bucket.put("async/request.json", b'{"name": "from S3"}')
    with Runtime({"atelier": endpoint}) as runtime:
        accepted = client("sagemaker-runtime", runtime.url).invoke_endpoint_async(
            EndpointName="atelier",
            InputLocation=uri,
            ContentType="application/json",
            Accept="image/png",
            CustomAttributes="order-17",
            InferenceId="seventeen",
        )
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["InferenceId"] == "seventeen"
    assert accepted["OutputLocation"].endswith("/out/seventeen.out")
    [end] = ended(endpoint, simple)
    assert end == End("Completed", accepted["OutputLocation"])
    answer = stored(bucket, accepted["OutputLocation"])
    assert answer["line"] == {"name": "from S3"}
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["Accept"] == "image/png"
    assert answer["headers"][f"{PREFIX}Custom-Attributes"] == "order-17"
    assert f"{PREFIX}Inference-Id" not in answer["headers"]  # nothing says that containers are told
    key = accepted["FailureLocation"].split("/", 3)[3]
    assert bucket.keys(key) == []


def test_the_caller_may_name_the_output_and_a_container_may_be_told_the_id(bucket: Bucket, simple: Instance) -> None:
    endpoint = make(bucket, tells_id=True)
    ask(endpoint, {}, S3OutputPathExtension="a/b", Filename="dressed.json", Inference_Id="mine")
    [end] = ended(endpoint, simple)
    assert end.location.endswith("/out/a/b/dressed.json")
    assert stored(bucket, end.location)["headers"][f"{PREFIX}Inference-Id"] == "mine"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({"InputLocation": "s3://bucket/key"}, b"{}"),
        ({"InputLocation": "ftp://bucket/key"}, b""),
        ({}, b" " * (MAX_INLINE_BYTES + 1)),
        ({"RequestTTLSeconds": "59"}, b"{}"),
        ({"RequestTTLSeconds": "21601"}, b"{}"),
        ({"InvocationTimeoutSeconds": "0"}, b"{}"),
        ({"InvocationTimeoutSeconds": "3601"}, b"{}"),
        ({"Inference-Id": "x" * 65}, b"{}"),
        ({"Filename": "a.tar.gz"}, b"{}"),
        ({"S3OutputPathExtension": "s3://elsewhere"}, b"{}"),
        ({"Custom-Attributes": "x" * 1025}, b"{}"),
    ],
)
def test_a_call_beyond_the_limits_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(InvalidCall):
        AsyncRequest.parse({f"{PREFIX}{name}": value for name, value in headers.items()}, body)


def test_limits_may_be_reached_and_have_their_defaults() -> None:
    request = AsyncRequest.parse({}, b" " * MAX_INLINE_BYTES)
    assert (request.ttl_s, request.timeout_s) == (21_600, 900)


def test_boto3_is_told_of_a_refusal(endpoint: AsynchronousEndpoint) -> None:
    with Runtime({"atelier": endpoint}) as runtime, pytest.raises(ClientError, match="mutually exclusive"):
        client("sagemaker-runtime", runtime.url).invoke_endpoint_async(EndpointName="atelier")


def test_a_failure_is_stored_once_told_and_never_tried_again(
    endpoint: AsynchronousEndpoint, simple: Instance, bucket: Bucket
) -> None:
    for status in (400, 503):
        ask(endpoint, {"name": f"fails with {status}", "status": status})
    client_error, server_error = ended(endpoint, simple, 2)
    assert client_error.reason == "ClientError: Received client error (400) from model"
    assert server_error.reason == "ClientError: Received server error (503) from model"
    for end in (client_error, server_error):
        assert end.status == "Failed"
        assert stored(bucket, end.location)["hits"] == 1
    assert not any("/out/" in key for key in bucket.keys(server_error.location.split("/", 3)[3].rpartition("/bad/")[0]))


def test_an_answer_without_content_length_is_refused(endpoint: AsynchronousEndpoint, simple: Instance) -> None:
    ask(endpoint, {"chunked": True})
    [end] = ended(endpoint, simple)
    assert end.status == "Failed"
    assert "did not specify the required Content-Length header" in end.reason
    assert "an answer (200) without Content-Length" in simple.violations


def test_an_invocation_is_given_up_when_its_time_is_over(endpoint: AsynchronousEndpoint, simple: Instance) -> None:
    ask(endpoint, {"sleep_s": 600}, InvocationTimeoutSeconds="1")
    [end] = ended(endpoint, simple)
    assert "timed out while waiting for a response" in end.reason


def test_a_request_that_waited_longer_than_its_time_to_live_is_not_sent(bucket: Bucket, simple: Instance) -> None:
    moments = iter((0.0, 0.0, 60.0, 61.0))  # both are submitted, then both are taken from the queue
    endpoint = make(bucket, at_once=1, clock=lambda: next(moments))
    ids = [ask(endpoint, {}, RequestTTLSeconds="60") for _ in range(2)]
    ended(endpoint, simple, 2)
    assert [endpoint.ends[inference_id][0].status for inference_id in ids] == ["Completed", "Expired"]


def test_an_input_that_is_not_there_is_a_failure(endpoint: AsynchronousEndpoint, simple: Instance) -> None:
    endpoint.submit({f"{PREFIX}InputLocation": "s3://results/nothing.json"}, b"")
    [end] = ended(endpoint, simple)
    assert "the input could not be downloaded" in end.reason


def test_an_instance_is_sent_no_more_at_once_than_it_may_have(bucket: Bucket, tmp_path: Path) -> None:
    endpoint = make(bucket, at_once=3)
    for _ in range(7):
        ask(endpoint, {"sleep_s": 0.1})
    with Instance(tmp_path, command=SIMPLE, patience=PATIENCE) as instance:
        ends = ended(endpoint, instance, 7)
    assert max(stored(bucket, end.location)["at_once"] for end in ends) == 3


def test_topics_are_tried_first_and_then_told_how_each_request_ended(bucket: Bucket, simple: Instance) -> None:
    sns, sqs = client("sns", bucket.url), client("sqs", bucket.url)
    queues = {}
    for name in ("success", "error"):
        topic = sns.create_topic(Name=name)["TopicArn"]
        queues[topic] = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queues[topic], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    success, error = queues
    endpoint = make(bucket, topics=Topics(sns, success, error))
    good = ask(endpoint, {}, Content_Type="application/json")
    bad = ask(endpoint, {"status": 500})
    ended(endpoint, simple, 2)

    def told(topic: str) -> list[dict[str, Any]]:
        received = sqs.receive_message(QueueUrl=queues[topic], MaxNumberOfMessages=10)["Messages"]
        notes = [json.loads(json.loads(message["Body"])["Message"]) for message in received]
        return sorted(notes, key=lambda note: str(note["eventName"]))

    completed, test = told(success)
    assert test["eventName"] == "TestNotification"
    assert completed["eventName"] == "InferenceResult"
    assert completed["eventSource"] == "aws:sagemaker"
    assert completed["invocationStatus"] == "Completed"
    assert completed["inferenceId"] == good
    assert completed["requestParameters"] == {"contentType": "application/json", "endpointName": "atelier"}
    assert completed["responseParameters"] == {
        "contentType": "application/json",
        "outputLocation": endpoint.ends[good][0].location,
    }
    failed, test = told(error)
    assert test["eventName"] == "TestNotification"
    assert (failed["invocationStatus"], failed["inferenceId"]) == ("Failed", bad)
    assert failed["failureReason"] == "ClientError: Received server error (500) from model"


def test_a_container_that_is_gone_is_a_failure_of_what_it_had(endpoint: AsynchronousEndpoint, tmp_path: Path) -> None:
    ask(endpoint, {})
    instance = Instance(tmp_path, command=SIMPLE, patience=PATIENCE)
    instance.start()
    instance.stop()
    [end] = ended(endpoint, instance)
    assert "there is no answer from container primary" in end.reason
