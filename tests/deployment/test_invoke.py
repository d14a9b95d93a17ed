"""What the client makes of answers, refusals and silence. How it gets on with a real container is told beside the
platform's tests.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import boto3
import invoke
import pytest
from ask import asking, attempts, requesting, saving
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from common.failures import Failed, Interrupted, Refused, problem_in

from tests.deployment.conftest import REGION, Aws

REQUEST = {"id": "order-17", "person": "s3://bucket/p.png", "garment": "s3://bucket/g.png"}
ANSWER = {"id": "order-17", "state": "done", "seed": 3, "warnings": [], "outputs": []}
DRAINING = {
    **{"status": 503, "code": "draining", "field": None, "detail": "the service is shutting down"},
    **{"retryable": True, "retry_after_s": 5},
}
INVALID = {**DRAINING, "status": 422, "code": "invalid_field", "field": "steps", "retryable": False}


class Runtime:
    """botocore's own client, told what the service answers; `sent` are the bodies it was sent."""

    def __init__(self) -> None:
        self.client = attempts.runtime_client(REGION)
        self.stub = Stubber(self.client)
        self.sent: list[bytes] = []
        self.client.meta.events.register("provide-client-params", lambda params, **_: self.sent.append(params["Body"]))
        self.stub.activate()

    def answers(self, answer: dict[str, Any]) -> None:
        self.stub.add_response("invoke_endpoint", {"Body": io.BytesIO(json.dumps(answer).encode())})

    def fails(self, status: int, message: str) -> None:
        fields = {"OriginalStatusCode": status, "OriginalMessage": message}
        self.stub.add_client_error("invoke_endpoint", "ModelError", http_status_code=424, modeled_fields=fields)

    def is_down(self, code: str, status: int) -> None:
        self.stub.add_client_error("invoke_endpoint", code, http_status_code=status)


@pytest.fixture
def runtime(aws: Aws) -> Runtime:
    return Runtime()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def test_a_drained_request_is_sent_again_as_it_was_when_the_container_advises(
    runtime: Runtime, pauses: list[float]
) -> None:
    runtime.fails(503, json.dumps(DRAINING))
    runtime.answers(ANSWER)
    assert invoke.realtime(runtime.client, "atelier", REQUEST) == ANSWER
    assert pauses == [5]
    first, second = runtime.sent
    assert first == second
    assert json.loads(first)["id"] == "order-17"


@pytest.mark.parametrize(
    "fail",
    [
        lambda runtime: runtime.fails(0, "Your invocation timed out while waiting for a response from container"),
        lambda runtime: runtime.fails(502, "<html>Bad gateway</html>"),
        lambda runtime: runtime.is_down("ServiceUnavailable", 503),
        lambda runtime: runtime.is_down("ModelNotReadyException", 429),
        lambda runtime: runtime.is_down("InternalDependencyException", 530),
    ],
)
def test_what_has_no_definite_end_is_sent_again(runtime: Runtime, pauses: list[float], fail: Any) -> None:
    fail(runtime)
    fail(runtime)
    runtime.answers(ANSWER)
    assert invoke.realtime(runtime.client, "atelier", REQUEST) == ANSWER
    assert pauses == [2, 4]


def test_a_lost_connection_is_no_end_either(pauses: list[float]) -> None:
    class Lost:
        asked = 0

        def invoke_endpoint(self, **_: Any) -> Any:
            Lost.asked += 1
            raise ReadTimeoutError(endpoint_url="https://runtime")

    with pytest.raises(Interrupted, match="connection was lost"):
        invoke.realtime(Lost(), "atelier", REQUEST, attempts=3)
    assert Lost.asked == 3
    assert len(pauses) == 2


def test_a_refusal_is_definite(runtime: Runtime, pauses: list[float]) -> None:
    runtime.fails(422, json.dumps(INVALID))
    with pytest.raises(Refused, match=r"422 invalid_field \(steps\)"):
        invoke.realtime(runtime.client, "atelier", REQUEST)
    runtime.is_down("ValidationError", 400)
    with pytest.raises(Failed, match="ValidationError"):
        invoke.realtime(runtime.client, "atelier", REQUEST)
    assert pauses == []


def test_a_request_that_is_too_large_is_not_sent(runtime: Runtime) -> None:
    with pytest.raises(Failed, match="s3://"):
        invoke.realtime(runtime.client, "atelier", {**REQUEST, "person": "x" * asking.MAX_BODY_BYTES})
    assert runtime.sent == []


def test_lines_are_put_together_again_wherever_the_stream_was_cut() -> None:
    parts = [b'{"a"', b": 1}\n\n{", b'"b": 2}', b"\n", b'{"c": 3}']
    lines = asking.lines_of({"PayloadPart": {"Bytes": part}} for part in parts)
    assert list(lines) == [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}']


class Queue:
    """An asynchronous endpoint whose outcomes a test puts into S3."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket="queue", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.submitted: list[dict[str, Any]] = []
        self.outcomes: list[tuple[str, bytes]] = []

    def invoke_endpoint_async(self, **call: Any) -> dict[str, Any]:
        self.submitted.append(call)
        n = len(self.submitted)
        if self.outcomes:
            kind, content = self.outcomes.pop(0)
            self.s3.put_object(Bucket="queue", Key=f"{kind}/{n}", Body=content)
        return {"OutputLocation": f"s3://queue/output/{n}", "FailureLocation": f"s3://queue/failure/{n}"}

    def ask(self, request: dict[str, Any] = REQUEST, **how: Any) -> dict[str, Any]:
        return invoke.asynchronous(self, self.s3, "atelier", request, input_prefix="s3://queue/in/", **how)


@pytest.fixture
def queue(aws: Aws, pauses: list[float]) -> Queue:
    return Queue()


def test_a_queued_request_is_waited_for(queue: Queue) -> None:
    queue.outcomes = [("output", json.dumps(ANSWER).encode())]
    assert queue.ask() == ANSWER
    assert json.loads(queue.submitted[0]["Body"]) == REQUEST


def test_a_large_one_goes_through_s3(queue: Queue) -> None:
    large = {**REQUEST, "person": "x" * 128_000}
    queue.outcomes = [("output", json.dumps(ANSWER).encode())]
    queue.ask(large)
    assert queue.submitted[0]["InputLocation"] == "s3://queue/in/order-17.json"
    assert "Body" not in queue.submitted[0]
    assert json.loads(queue.s3.get_object(Bucket="queue", Key="in/order-17.json")["Body"].read()) == large
    with pytest.raises(Failed, match="--input-prefix"):
        invoke.submit(queue, queue.s3, "atelier", large)


@pytest.mark.parametrize(
    "failure",
    [
        json.dumps(DRAINING),
        f'Received server error (503) from primary with message "{json.dumps(DRAINING)}"; see the log',
        json.dumps({"message": f"from model: {json.dumps(DRAINING)}"}),
        "Your invocation timed out",
    ],
)
def test_a_failure_that_may_pass_is_submitted_again(queue: Queue, failure: str) -> None:
    queue.outcomes = [("failure", failure.encode()), ("output", json.dumps(ANSWER).encode())]
    assert queue.ask() == ANSWER
    assert queue.submitted[0]["Body"] == queue.submitted[1]["Body"]


def test_a_failure_that_lasts_is_told_as_the_container_told_it(queue: Queue) -> None:
    queue.outcomes = [("failure", json.dumps(INVALID).encode())]
    with pytest.raises(Refused, match="invalid_field"):
        queue.ask()
    assert len(queue.submitted) == 1


def test_what_never_comes_is_given_up(queue: Queue) -> None:
    with pytest.raises(Failed, match="no outcome within 0 s"):
        queue.ask(wait_s=0)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "plain words", "}{" * 50, '\\"{\\"'])
def test_words_that_hold_no_problem_hold_none(text: str) -> None:
    assert problem_in(text) is None


def test_results_are_saved_from_the_answer_and_from_where_it_points(aws: Aws, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="results", Key="out/b.glb", Body=b"stored")

    def output(name: str, content: bytes, **where: str) -> dict[str, str]:
        return {"name": name, "sha256": hashlib.sha256(content).hexdigest(), **where}

    inline = output("../a.png", b"inline", data=base64.b64encode(b"inline").decode())
    stored = output("b.glb", b"stored", uri="s3://results/out/b.glb")
    files = saving.save_all({"outputs": [inline, stored]}, tmp_path, s3)
    assert [file.read_bytes() for file in files] == [b"inline", b"stored"]
    assert {file.parent for file in files} == {tmp_path}
    with pytest.raises(Failed, match="damaged"):
        saving.save_all({"outputs": [{**stored, "sha256": "0"}]}, tmp_path, s3)
    with pytest.raises(Failed, match="NoSuchKey"):
        saving.save_all({"outputs": [{**stored, "uri": "s3://results/gone"}]}, tmp_path, s3)


def test_the_request_is_what_the_file_says_and_the_options_add(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"seed": 1, "output": {"format": "jpeg"}}')
    (tmp_path / "u.png").write_bytes(b"png")
    options = ["--request", str(tmp_path / "request.json"), "--garment-upper", str(tmp_path / "u.png")]
    options += ["--garment-lower", "https://shop/l.png", "--set", "seed=7", "output.inline=true", "quality=fast"]
    args = invoke.parse(["realtime", "--endpoint", "atelier", *options, "--photos", "s3://bucket/me/"])
    request = requesting.request_of(args)
    assert len(request.pop("id")) == 32
    assert request == {
        **{"seed": 7, "output": {"format": "jpeg", "inline": True}, "quality": "fast"},
        "garments": {"upper": "data:image/png;base64,cG5n", "lower": "https://shop/l.png"},
        "photos_prefix": "s3://bucket/me/",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "nothing to send"),
        (["--person", "nowhere.png"], "nowhere.png"),
        (["--request", "nowhere.json"], "nowhere"),
        (["--set", "seed=1", "seed.of=2"], "'seed' has no fields"),
    ],
)
def test_a_request_that_cannot_be_made_exits_1(
    no_credentials: None, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert invoke.main(["realtime", "--endpoint", "atelier", *options]) == 1
    assert said in capsys.readouterr().err
