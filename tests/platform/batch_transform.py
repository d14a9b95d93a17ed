"""Batch transform: files in S3 in, one answer file for each out, through a container started for the occasion.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from serve.s3 import split_uri
from tests.platform.hosting import Answer, Instance, NoAnswer
from tests.platform.transform_job import Limits, TransformJob

_MB = 2**20


class TransformFailed(Exception):  # noqa: N818 - the status a job ends with
    """The job ends as Failed. `reasons` has one for each input that has no output."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = dict(reasons)


class _Failed(Exception):  # noqa: N818
    """One payload could not be transformed."""


def run(
    job: TransformJob,
    s3: Any,
    folder: Path,
    role: Mapping[str, str],
    command: Sequence[str] | None = None,
    patience: float = 1,
) -> Limits:
    """Start a container on the job's model data, transform every input, stop it; returns the limits that held.

    Args:
        s3: a boto3 client of the platform's own.
        folder: for the model, the log and the spool.
        role: variables beside the job's own, such as credentials.
        command, patience: see `Instance`.

    Raises:
        InvalidJob: before anything is transformed.
        TransformFailed: some inputs have no output; those of the others are stored.
    """
    model_dir = folder / "model"
    with tarfile.open(fileobj=BytesIO(read(s3, job.model_data)), mode="r:gz") as archive:
        archive.extractall(model_dir, filter="data")
    environment = {**job.container_environment(), **role}
    with Instance(folder, model_dir=model_dir, environment=environment, command=command, patience=patience) as instance:
        limits = Limits.of(job, execution_parameters(instance))
        reasons = transform_all(job, limits, s3, instance)
    if reasons:
        raise TransformFailed(reasons)
    return limits


def execution_parameters(instance: Instance) -> dict[str, Any]:
    """What the container wants; nothing if it does not say so."""
    answer = instance.get("/execution-parameters")
    return json.loads(answer.body) if answer.status == 200 else {}


def transform_all(job: TransformJob, limits: Limits, s3: Any, instance: Instance) -> dict[str, str]:
    """Transform every input, some payloads at once; returns why inputs have no output."""
    folder = job.inputs.rpartition("/")[0] + "/"
    reasons: dict[str, str] = {}
    answers: dict[str, list[Future[bytes]]] = {}
    with ThreadPoolExecutor(limits.max_concurrent) as pool:
        for uri in children(s3, job.inputs):
            name = uri.removeprefix(folder)
            try:
                sent = list(payloads(read(s3, uri), job.split, limits))
            except _Failed as failure:
                reasons[name] = str(failure)
                continue
            answers[name] = [pool.submit(transform, job, instance, payload) for payload in sent]
    for name, futures in answers.items():
        failed = next((future for future in futures if future.exception()), None)
        if failed is not None:
            reasons[name] = str(failed.exception())
            continue
        bucket, key = split_uri(f"{job.output_path.rstrip('/')}/{name}.out")
        s3.put_object(Bucket=bucket, Key=key, Body=assembled([future.result() for future in futures], job.assemble))
    return reasons


def payloads(content: bytes, split: str, limits: Limits) -> Iterator[bytes]:
    """An input as it is sent: whole, line by line, or as many lines at once as a payload may have."""
    most = limits.max_payload_mb * _MB or len(content)
    lines = content.splitlines(keepends=True) if split == "Line" else [content]
    if any(len(line) > most for line in lines):
        raise _Failed(f"a record is larger than MaxPayloadInMB {limits.max_payload_mb}")
    payload = b""
    for line in lines:
        if payload and (limits.strategy == "SINGLE_RECORD" or len(payload) + len(line) > most):
            yield payload
            payload = b""
        payload += line
    yield payload


def transform(job: TransformJob, instance: Instance, payload: bytes) -> bytes:
    """One payload's answer, after so many attempts as the job allows."""
    reason = ""
    for _ in range(1 + job.retries):
        try:
            answer = instance.invoke(payload, content_type=job.content_type, accept=job.accept, timeout_s=job.timeout_s)
        except NoAnswer as error:
            reason = str(error)
            continue
        if answer.status == 200:
            return checked(answer, payload, job.split).body
        reason = f"({answer.status}) {answer.body.decode(errors='replace')}"
    raise _Failed(reason)


def checked(answer: Answer, payload: bytes, split: str) -> Answer:
    """Raises _Failed when there are not as many lines as were sent."""
    sent, received = (len(content.splitlines()) for content in (payload, answer.body))
    if split == "Line" and sent != received:
        raise _Failed(f"{received} lines came back for {sent}")
    return answer


def assembled(answers: Sequence[bytes], how: str) -> bytes:
    if how == "None":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)


def read(s3: Any, uri: str) -> bytes:
    bucket, key = split_uri(uri)
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def children(s3: Any, prefix: str) -> list[str]:
    """Every object whose name begins with `prefix`, in the order of names."""
    bucket, key = split_uri(prefix)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    return [f"s3://{bucket}/{found['Key']}" for page in pages for found in page.get("Contents", [])]
