"""batch.py from a manifest to a summary, with the platform's stand-in doing the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import batch
import pytest
from ask import manifest
from ask.transform import TransformPlan
from common.calls import Caller

from tests.conftest import KEYS, Bucket
from tests.platform.batch_transform import transform_all
from tests.platform.hosting import Instance
from tests.platform.transform_job import Limits, TransformJob


def job_of(job: dict[str, Any], model_data: str) -> TransformJob:
    """As the platform reads the parameters of CreateTransformJob."""
    source, client = job["TransformInput"]["DataSource"]["S3DataSource"], job["ModelClientConfig"]
    return TransformJob(
        model_data,
        source["S3Uri"],
        job["TransformOutput"]["S3OutputPath"],
        content_type=job["TransformInput"]["ContentType"],
        accept=job["TransformOutput"]["Accept"],
        split=job["TransformInput"]["SplitType"],
        assemble=job["TransformOutput"]["AssembleWith"],
        strategy="SINGLE_RECORD" if job["BatchStrategy"] == "SingleRecord" else "MULTI_RECORD",
        max_concurrent=job["MaxConcurrentTransforms"],
        max_payload_mb=job["MaxPayloadInMB"],
        retries=client["InvocationsMaxRetries"],
        timeout_s=client["InvocationsTimeoutInSeconds"],
        environment=job["Environment"],
    )


def test_a_manifest_is_run_and_what_failed_is_known(
    instance: Instance, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    prefix = f"s3://{bucket.name}/"
    lines = [{"id": f"b{i}", "type": "probe", "then": "refuse" if i == 3 else "end"} for i in range(5)]
    manifest.write(tmp_path / "manifest.jsonl", lines)
    requests = manifest.read(tmp_path / "manifest.jsonl")
    wanted = TransformPlan(
        name="atelier-batch",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/atelier:1",
        role="arn:aws:iam::123456789012:role/atelier",
        model_data=f"{prefix}model.tar.gz",
        output_prefix=f"{prefix}out/",
        batch_prefix=f"{prefix}batch/",
        instance_type="ml.g4dn.xlarge",
        region="us-east-1",
    )
    call = Caller(dry_run=False, region="us-east-1", endpoint_url=bucket.url)
    job, parts = wanted.job(requests), manifest.cut(requests, 2)
    batch.start(call, wanted, job, parts)
    asked = job_of(job, wanted.model_data)
    assert not transform_all(asked, Limits.of(asked, {}), bucket.client, instance)
    outcomes = batch.finish(call, job, parts, poll_s=0)
    assert manifest.summary(outcomes) == "4 done, 1 not_liked"
    assert [outcome.request for outcome in outcomes if outcome.problem] == [requests[3]]
