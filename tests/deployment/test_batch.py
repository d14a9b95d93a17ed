"""Batches: a manifest to files and a job, answers to a summary and a manifest of what failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import batch
import pytest
from ask import manifest
from ask.transform import TransformPlan
from common.failures import Failed

from tests.deployment.conftest import IMAGE, REGION, ROLE, Aws

PREFIX = "s3://bucket/results/"
PROBLEM = {"code": "no_person", "detail": "nobody was found", "retryable": False}


def wanted(instance_type: str = "ml.g5.12xlarge", **options: Any) -> TransformPlan:
    return TransformPlan(
        name="atelier-batch",
        image=IMAGE,
        role=ROLE,
        model_data="s3://bucket/weights.tar.gz",
        output_prefix=PREFIX,
        batch_prefix=f"{PREFIX}batch/",
        instance_type=instance_type,
        region=REGION,
        **options,
    )


class Bench:
    """A manifest of five requests, and a bucket in which a job leaves its answers."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.manifest, self.failed = folder / "manifest.jsonl", folder / "failed.jsonl"
        self.requests = [{"id": f"line-{i}", "person": f"s3://bucket/{i}.png"} for i in range(5)]
        manifest.write(self.manifest, self.requests)

    def run(self, *options: str) -> int:
        files = ["--manifest", str(self.manifest), "--failed", str(self.failed), "--lines-per-file", "2"]
        what = ["--image", IMAGE, "--role", ROLE, "--model-data", "s3://bucket/weights.tar.gz"]
        return batch.main([*files, *what, "--output-prefix", PREFIX, "--poll-s", "0", *options])

    def names(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket="bucket").get("Contents", [])
        return [item["Key"] for item in found]

    def answer(self, part: str, *answers: dict[str, Any], below: str = "") -> None:
        """As the job would: one line each, the id of its request."""
        job = next(key.split("/")[2] for key in self.names() if key.endswith(part))
        content = b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)
        self.s3.put_object(Bucket="bucket", Key=f"results/batch/{job}/out/{below}{part}.out", Body=content)


@pytest.fixture
def bench(aws: Aws, tmp_path: Path) -> Bench:
    return Bench(aws, tmp_path)


def done(i: int) -> dict[str, Any]:
    return {"id": f"line-{i}", "state": "done"}


def test_the_manifest_is_cut_uploaded_and_run_once(bench: Bench, aws: Aws) -> None:
    assert bench.run() == 1  # moto's job ends at once and leaves nothing
    parts = [key for key in bench.names() if "/in/" in key]
    assert [key.rpartition("/")[2] for key in parts] == [f"part-0000{i}.jsonl" for i in range(3)]
    sent = b"".join(bench.s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in parts)
    assert [json.loads(line) for line in sent.splitlines()] == bench.requests
    job = aws.client("sagemaker").list_transform_jobs()["TransformJobSummaries"][0]["TransformJobName"]
    described = aws.client("sagemaker").describe_transform_job(TransformJobName=job)
    assert described["TransformInput"]["SplitType"] == "Line"
    assert described["TransformOutput"]["S3OutputPath"] == f"{PREFIX}batch/{job}/out/"
    aws.calls.clear()
    bench.run()
    assert "CreateTransformJob" not in aws.calls
    assert aws.client("sagemaker").list_models()["Models"] == []


def test_failed_lines_and_those_of_files_without_output_become_a_manifest(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run()
    bench.answer("part-00000.jsonl", done(0), {"id": "line-1", "state": "failed", "problem": PROBLEM})
    bench.answer("part-00002.jsonl", done(4), below="results/batch/in/")
    capsys.readouterr()
    assert bench.run() == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == ["2 done, 2 no_answer, 1 no_person", "line-1: no_person: nobody was found"]
    assert "3 of 5 have failed" in said.err
    assert manifest.read(bench.failed) == bench.requests[1:4]


def test_a_batch_that_is_done_exits_0(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run()
    for i in range(2):
        bench.answer(f"part-0000{i}.jsonl", done(2 * i), done(2 * i + 1))
    bench.answer("part-00002.jsonl", done(4))
    bench.failed.unlink()
    capsys.readouterr()
    assert bench.run() == 0
    assert capsys.readouterr().out == "5 done\n"
    assert not bench.failed.exists()


def test_answers_to_other_requests_are_not_taken_for_these(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run()
    bench.answer("part-00000.jsonl", done(1), done(0))
    assert bench.run() == 1
    assert "not those to its 2 requests" in capsys.readouterr().err


def test_every_line_is_a_request_and_as_many_run_at_once_as_the_gpus_take() -> None:
    job = wanted(jobs_per_gpu=3).job([{"id": "a"}])
    assert (job["BatchStrategy"], job["MaxConcurrentTransforms"], job["MaxPayloadInMB"]) == ("SingleRecord", 12, 1)
    assert job["ModelClientConfig"] == {"InvocationsTimeoutInSeconds": 3600, "InvocationsMaxRetries": 3}
    assert job["TransformOutput"]["AssembleWith"] == "Line"
    assert job["Environment"]["JOB_DEADLINE_S"] == "3500"


def test_what_is_sent_at_once_stays_within_the_platform_s_limit() -> None:
    large = [{"id": "a", "person": "x" * 3 * 2**20}]
    assert wanted("ml.g5.xlarge", jobs_per_gpu=8).job(large)["MaxPayloadInMB"] == 4
    with pytest.raises(Failed, match="s3://"):
        wanted("ml.g5.12xlarge", jobs_per_gpu=8).job(large)


def test_an_instance_type_batch_transform_does_not_have_is_refused() -> None:
    with pytest.raises(Failed, match=r"ml\.p4d\.24xlarge"):
        wanted("ml.p4d.24xlarge")


def test_more_variables_than_a_transform_job_takes_are_refused(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(*(word for i in range(12) for word in ("--env", f"N{i}=1"))) == 1
    assert "Environment is 17" in capsys.readouterr().err


def test_a_line_without_an_id_gets_one_of_its_own_that_stays(tmp_path: Path) -> None:
    file = tmp_path / "manifest.jsonl"
    file.write_text('{"person": "s3://b/1"}\n\n{"person": "s3://b/2"}\n')
    first, second = manifest.read(file)
    assert first["id"] != second["id"]
    assert manifest.read(file) == [first, second]
    manifest.write(file, [first, second])
    assert manifest.read(file) == [first, second]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no requests"),
        ("{}\n{", "line 2: not JSON"),
        ("[]", "line 1: expected an object"),
        ('{"id": "a"}\n{"id": "a"}', "line 2: the id 'a'"),
        ('{"id": 7}', "line 1: the id 7"),
    ],
)
def test_a_manifest_that_cannot_be_run_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "manifest.jsonl"
    file.write_text(text)
    with pytest.raises(Failed, match=said):
        manifest.read(file)
