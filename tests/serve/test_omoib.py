"""The requests of an earlier container's backend, unchanged: the picture and the message where it waits for them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from model.samples.samples import small_sample
from tests.conftest import KEYS, Bucket, MotoProcess, base64_of
from tests.serve.test_invocations import assert_problem
from tests.serve.test_lifecycle import ends
from tests.server import Server, eventually, serving
from tests.untrained import untrained_pack


class Queue:
    """An SQS queue in a moto process."""

    def __init__(self, moto: MotoProcess, name: str = "omoib-vton-queue") -> None:
        names = {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
        keys = {names[name]: value for name, value in KEYS.items()}
        self._client: Any = boto3.client("sqs", endpoint_url=moto.url, region_name="us-east-1", **keys)
        self._name = name
        self.create()

    def create(self) -> None:
        self.url: str = self._client.create_queue(QueueName=self._name)["QueueUrl"]

    def delete(self) -> None:
        self._client.delete_queue(QueueUrl=self.url)

    def messages(self) -> list[Any]:
        received = self._client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]


@pytest.fixture(scope="module")
def queue(moto: MotoProcess) -> Queue:
    return Queue(moto)


@pytest.fixture(scope="module")
def omoib(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket, queue: Queue) -> Iterator[Server]:
    settings = {**bucket.settings, "ENGINES": "", "OMOIB_QUEUE_URL": queue.url}
    with serving(tmp_path_factory.mktemp("omoib"), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def body(bucket: Bucket) -> dict[str, Any]:
    """The seven fields its backend sends, and nothing else."""
    person, garment, mask = (file.read_bytes() for file in small_sample().values())
    return {
        "userId": "17",
        "timestamp": "241124-093012",
        "person_image_url": bucket.put("users/17/row.png", person),
        "upper_cloth_url": bucket.put("upper.png", garment),
        "lower_cloth_url": bucket.put("lower.png", garment),
        "mask_image_url": bucket.put("users/17/overall.png", mask),
        "cloth_type": "overall",
    }


def test_the_seven_fields_give_the_picture_where_the_backend_looks_and_the_message(
    omoib: Server, bucket: Bucket, queue: Queue, body: dict[str, Any]
) -> None:
    response = omoib.invoke(body)
    assert response.status_code == 200, response.text
    stored = bucket.read(f"s3://{bucket.name}/out/users/17/vton_result/241124-093012/result.jpg")
    with Image.open(io.BytesIO(stored)) as picture:
        assert isinstance(picture, JpegImageFile)
        assert picture.quantization == quantisation(quality=75)
    assert stored == bucket.read(response.json()["outputs"][0]["uri"])
    assert queue.messages() == [{"userId": "17", "initial_timestamp": "241124-093012"}]


def test_its_own_sentence_is_the_answer_where_a_header_or_the_operator_asks_for_it(
    omoib: Server, everybody: Server, queue: Queue, body: dict[str, Any]
) -> None:
    sentence = {"message": "VTON run successfully"}
    by_header = omoib.invoke(body, **{"X-Amzn-SageMaker-Custom-Attributes": "answer=omoib"})
    assert (by_header.status_code, by_header.json()) == (200, sentence)
    queue.messages()
    files = small_sample()
    fields = {name: base64_of(files[name].read_bytes()) for name in ("person", "garment")} | {"type": "tryon"}
    of_theirs = everybody.invoke(fields | {"userId": "17", "timestamp": "1"})
    assert (of_theirs.status_code, of_theirs.json()) == (200, sentence)
    assert "outputs" in everybody.invoke(fields).json()


@pytest.mark.parametrize(("output", "quality"), [({}, 95), ({"quality": 60}, 60)])
def test_any_other_jpeg_is_of_high_quality_or_of_the_one_asked_for(
    omoib: Server, body: dict[str, Any], output: dict[str, Any], quality: int
) -> None:
    anonymous = {name: value for name, value in body.items() if name not in ("userId", "timestamp")}
    response = omoib.invoke(anonymous | {"output": output}, accept="image/jpeg")
    with Image.open(io.BytesIO(response.content)) as picture:
        assert isinstance(picture, JpegImageFile)
        assert picture.quantization == quantisation(quality)


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_out_of_range_is_refused(omoib: Server, body: dict[str, Any], quality: int) -> None:
    assert_problem(omoib.invoke(body | {"output": {"quality": quality}}), 422, "invalid_field", "output.quality")


def quantisation(quality: int) -> dict[int, list[int]]:
    """The tables Pillow writes for this quality, as it reads them."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        assert isinstance(picture, JpegImageFile)
        return picture.quantization


def test_the_user_may_be_called_username(omoib: Server, bucket: Bucket, queue: Queue, body: dict[str, Any]) -> None:
    named = {name: value for name, value in body.items() if name != "userId"}
    assert omoib.invoke(named | {"username": "kim", "timestamp": "1"}).status_code == 200
    assert "out/users/kim/vton_result/1/result.jpg" in bucket.keys("out/users/kim/")
    assert queue.messages() == [{"userId": "kim", "initial_timestamp": "1"}]


def test_without_a_user_and_inline_nothing_more_is_stored_or_said(
    omoib: Server, bucket: Bucket, queue: Queue, body: dict[str, Any]
) -> None:
    anonymous = {name: value for name, value in body.items() if name not in ("userId", "timestamp")}
    before = bucket.keys("out/users/")
    assert omoib.invoke(anonymous).json()["outputs"][0]["name"] == "result.png"
    assert "data" in omoib.invoke(body | {"output": {"inline": True}}).json()["outputs"][0]
    assert bucket.keys("out/users/") == before
    assert queue.messages() == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"userId": "../17"}, "../17"),
        ({"userId": "a/b"}, "a/b"),
        ({"userId": ""}, "userId"),
        ({"timestamp": ".."}, ".."),
        ({"timestamp": "x" * 65}, "timestamp"),
        ({"timestamp": None}, "go together"),
        ({"output": {"format": "png"}}, "jpeg"),
    ],
)
def test_what_would_not_be_a_key_of_that_user_is_refused(
    omoib: Server, body: dict[str, Any], changes: dict[str, Any], named: str
) -> None:
    response = omoib.invoke(body | changes)
    assert named in response.json()["detail"]
    assert_problem(response, 422, "invalid_field", response.json()["field"])


def test_the_message_is_sent_again_until_the_queue_takes_it(
    tmp_path: Path, moto: MotoProcess, bucket: Bucket, body: dict[str, Any]
) -> None:
    queue = Queue(moto, "closed-for-now")
    queue.delete()
    settings = {**bucket.settings, "MODEL_DIR": untrained_pack(), "ENGINES": "", "OMOIB_QUEUE_URL": queue.url}
    with serving(tmp_path, **settings, DEADLINE_S=0.5) as server:
        patient = body | {"id": "patient-omoib", "timestamp": "2", "steps": 1}
        assert server.client.post("/api/jobs", json=patient).status_code == 202
        eventually(lambda: list(server.spool.glob("*/result.json")))
        assert_problem(server.invoke(patient), 502, "not_stored")
        assert "out/patient-omoib/manifest.json" not in bucket.keys("out/patient-omoib/")
        queue.create()
        eventually(lambda: server.invoke(patient).status_code == 200)
        assert queue.messages()[0] == {"userId": "17", "initial_timestamp": "2"}


def test_a_queue_without_a_place_for_results_stops_the_start(tmp_path: Path) -> None:
    status, log = ends(tmp_path, OMOIB_QUEUE_URL="https://sqs.eu-west-1.amazonaws.com/1/q")
    assert status == 3
    assert "OMOIB_QUEUE_URL" in log.splitlines()[-1]
    assert "OUTPUT_PREFIX" in log.splitlines()[-1]
