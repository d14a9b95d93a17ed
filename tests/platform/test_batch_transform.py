"""Batch transform: whose word counts, how files are cut, what is tried again, and ours on a packed demo folder."""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from model.samples.samples import small_sample
from model.weights.pack import DEMO
from tests.conftest import Bucket
from tests.platform.batch_transform import TransformFailed, execution_parameters, run, transform_all
from tests.platform.conftest import PATIENCE
from tests.platform.hosting import Instance
from tests.platform.transform_job import InvalidJob, Limits, TransformJob

SIMPLE = [sys.executable, "-m", "tests.platform.simple_container"]
WANTS = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    environment = {"WANTS": json.dumps(WANTS)}
    with Instance(
        tmp_path_factory.mktemp("simple"), command=SIMPLE, environment=environment, patience=PATIENCE
    ) as running:
        yield running


class Files:
    """A job's inputs and outputs, in a folder of their own."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._folder = f"batch/{uuid.uuid4()}"

    def put(self, name: str, lines: list[Any]) -> None:
        self._bucket.put(f"{self._folder}/in/{name}", "\n".join(map(json.dumps, lines)).encode())

    def job(self, **options: Any) -> TransformJob:
        folder = f"s3://{self._bucket.name}/{self._folder}"
        return TransformJob(
            model_data=f"{folder}/model.tar.gz", inputs=f"{folder}/in/", output_path=f"{folder}/out", **options
        )

    def outputs(self) -> dict[str, list[Any]]:
        """Their names, and their lines."""
        folder = f"{self._folder}/out/"
        contents = {
            key.removeprefix(folder): self._bucket.read(f"s3://{self._bucket.name}/{key}")
            for key in self._bucket.keys(folder)
        }
        return {name: [json.loads(line) for line in content.splitlines()] for name, content in contents.items()}


@pytest.fixture
def files(bucket: Bucket) -> Files:
    return Files(bucket)


def transformed(job: TransformJob, bucket: Bucket, instance: Instance) -> dict[str, str]:
    return transform_all(job, Limits.of(job, execution_parameters(instance)), bucket.client, instance)


def test_the_jobs_word_counts_before_the_containers_and_that_before_the_defaults(files: Files) -> None:
    asked = files.job(strategy="MULTI_RECORD", max_payload_mb=50)
    assert Limits.of(asked, WANTS) == Limits(2, "MULTI_RECORD", 50)
    assert Limits.of(files.job(), WANTS) == Limits(2, "SINGLE_RECORD", 1)
    assert Limits.of(files.job(), {}) == Limits(1, "MULTI_RECORD", 6)


@pytest.mark.parametrize(
    "options",
    [
        {"max_concurrent": 3, "max_payload_mb": 34},
        {"max_payload_mb": 101},
        {"retries": 4},
        {"timeout_s": 3601},
        {"environment": {str(i): "" for i in range(17)}},
    ],
)
def test_a_job_beyond_the_limits_is_refused(files: Files, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob):
        Limits.of(files.job(**options), {})


def test_a_container_is_told_only_of_limits_that_the_job_has_set(files: Files) -> None:
    assert files.job().container_environment() == {"SAGEMAKER_BATCH": "true"}
    assert files.job(max_concurrent=2, strategy="SINGLE_RECORD", max_payload_mb=6).container_environment() == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6",
    }


def test_lines_are_sent_one_by_one_or_as_many_as_a_payload_holds_and_answered_in_order(
    files: Files, bucket: Bucket, simple: Instance
) -> None:
    lines = [{"name": files.job().inputs, "i": i, "blank": " " * 400_000} for i in range(5)]
    files.put("lines.jsonl", lines)
    assert transformed(files.job(), bucket, simple) == {}
    [(name, answers)] = files.outputs().items()
    assert name == "lines.jsonl.out"
    assert [answer["line"]["i"] for answer in answers] == [0, 1, 2, 3, 4]
    assert sorted(answer["hits"] for answer in answers) == [1, 2, 3, 4, 5]
    assert max(answer["at_once"] for answer in answers) <= WANTS["MaxConcurrentTransforms"]
    assert transformed(files.job(strategy="MULTI_RECORD", max_concurrent=1), bucket, simple) == {}
    assert [answer["hits"] for answer in files.outputs()[name]] == [6, 6, 7, 7, 8]  # 400 kB each, two to a payload


def test_a_file_that_is_not_split_is_one_payload(files: Files, bucket: Bucket, simple: Instance) -> None:
    files.put("whole.json", [{"name": "whole"}, {"name": "of one piece"}])
    assert transformed(files.job(split="None", assemble="None"), bucket, simple) == {}
    assert [answer["hits"] for answer in files.outputs()["whole.json.out"]] == [1, 1]


@pytest.mark.parametrize(("retries", "fails"), [(2, False), (1, True)])
def test_a_payload_is_tried_again_so_often_and_no_more(
    files: Files, bucket: Bucket, simple: Instance, retries: int, fails: bool
) -> None:
    files.put("shaky.jsonl", [{"name": f"shaky with {retries}", "fail_first": 2}])
    reasons = transformed(files.job(retries=retries), bucket, simple)
    assert bool(reasons) is fails
    if fails:
        assert reasons["shaky.jsonl"].startswith("(503) ")
    else:
        assert files.outputs()["shaky.jsonl.out"][0]["hits"] == 3


def test_a_failed_input_leaves_no_output_and_the_others_do(files: Files, bucket: Bucket, simple: Instance) -> None:
    files.put("good.jsonl", [{}])
    files.put("late.jsonl", [{"sleep_s": 600}])
    files.put("long.jsonl", [{"blank": " " * 2**20}])
    files.put("lossy.jsonl", [{}, {"lose": True}])
    reasons = transformed(files.job(retries=0, timeout_s=2, strategy="MULTI_RECORD"), bucket, simple)
    assert reasons == {
        "late.jsonl": "the time limit has passed",
        "long.jsonl": "a record is larger than MaxPayloadInMB 1",
        "lossy.jsonl": "1 lines came back for 2",
    }
    assert list(files.outputs()) == ["good.jsonl.out"]


def test_ours_transforms_lines_with_the_weights_of_a_tar_and_a_bad_line_fails_no_other(
    files: Files, bucket: Bucket, tmp_path: Path
) -> None:
    job = files.job(environment={"ENGINES": "tryon"})
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        archive.add(DEMO, ".")
    bucket.put(job.model_data.split("/", 3)[3], packed.getvalue())
    pictures = {field: bucket.put(f"batch/{file.name}", file.read_bytes()) for field, file in small_sample().items()}
    request = {"type": "tryon", **pictures, "steps": 2, "seed": 1}
    files.put("orders.jsonl", [request | {"id": "first"}, {"type": "hat"}, request | {"id": "third"}])
    settings = {name: str(value) for name, value in bucket.settings.items() if name != "OUTPUT_PREFIX"}
    limits = run(job, bucket.client, tmp_path, settings, patience=PATIENCE)
    assert limits == Limits(3, "MULTI_RECORD", 30)
    first, bad, third = files.outputs()["orders.jsonl.out"]
    assert [answer["id"] for answer in (first, third)] == ["first", "third"]
    assert (bad["state"], bad["problem"]["status"]) == ("failed", 422)
    with Image.open(io.BytesIO(base64.b64decode(first["outputs"][0]["data"]))) as result:
        assert result.size == (96, 128)


def test_a_job_with_a_failed_input_fails(files: Files, bucket: Bucket, tmp_path: Path) -> None:
    job = files.job(retries=0)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz"):
        pass
    bucket.put(job.model_data.split("/", 3)[3], packed.getvalue())
    files.put("bad.jsonl", [{"status": 400}])
    with pytest.raises(TransformFailed, match=r"bad\.jsonl: \(400\)"):
        run(job, bucket.client, tmp_path, {}, command=SIMPLE)
