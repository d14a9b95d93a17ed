"""What CreateTransformJob is given, and the limits that follow from it and from what the container wants.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html; ranges as in botocore's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_MB = 100  # of all payloads that are under way at once
_MAX_VARIABLES = 16

Strategy = Literal["MULTI_RECORD", "SINGLE_RECORD"]


class InvalidJob(Exception):  # noqa: N818 - the service's word is ValidationException
    """CreateTransformJob is refused, or what the container wants cannot be."""


@dataclass(frozen=True)
class TransformJob:
    """What a job asks for. None: what the container says, or the default.

    Args:
        model_data: ModelDataUrl, a .tar.gz; there is no other form for batch transform.
        inputs: S3Uri of the data source, taken as an S3Prefix.
        output_path: S3OutputPath.
        split: SplitType. With `Line`, a payload is one or more whole lines.
        assemble: AssembleWith; `Line` puts a line's end between answers.
        max_concurrent: MaxConcurrentTransforms.
        max_payload_mb: MaxPayloadInMB; 0: no limit.
        retries: InvocationsMaxRetries, 0..3.
        timeout_s: InvocationsTimeoutInSeconds, 1..3600, of each attempt.
        environment: of the container, at most 16 variables.
    """

    model_data: str
    inputs: str
    output_path: str
    content_type: str = "application/jsonlines"
    accept: str = ""
    split: Literal["None", "Line"] = "Line"
    assemble: Literal["None", "Line"] = "Line"
    strategy: Strategy | None = None
    max_concurrent: int | None = None
    max_payload_mb: int | None = None
    retries: int = 3
    timeout_s: int = 600
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_unless(0 <= self.retries <= 3, "InvocationsMaxRetries", self.retries, "0..3")
        _refuse_unless(1 <= self.timeout_s <= 3600, "InvocationsTimeoutInSeconds", self.timeout_s, "1..3600")
        _refuse_unless(
            len(self.environment) <= _MAX_VARIABLES, "Environment", len(self.environment), f"0..{_MAX_VARIABLES}"
        )

    def container_environment(self) -> dict[str, str]:
        """What the platform adds to the job's own variables: limits only where the job has set them."""
        limits = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.max_payload_mb,
            "SAGEMAKER_BATCH_STRATEGY": self.strategy,
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.max_concurrent,
        }
        set_by_job = {name: str(value) for name, value in limits.items() if value is not None}
        return {"SAGEMAKER_BATCH": "true", **set_by_job, **self.environment}


@dataclass(frozen=True)
class Limits:
    """What holds in the end: the job's word, else the container's, else the default."""

    max_concurrent: int
    strategy: Strategy
    max_payload_mb: int

    @classmethod
    def of(cls, job: TransformJob, said: Mapping[str, Any]) -> Limits:
        """`said`: the answer of /execution-parameters; empty if there is none.

        Raises:
            InvalidJob: more payload at once than the platform takes.
        """

        def first(asked: Any, name: str, default: Any) -> Any:
            return asked if asked is not None else said.get(name, default)

        limits = cls(
            first(job.max_concurrent, "MaxConcurrentTransforms", 1),
            first(job.strategy, "BatchStrategy", "MULTI_RECORD"),
            first(job.max_payload_mb, "MaxPayloadInMB", 6),
        )
        _refuse_unless(0 <= limits.max_payload_mb <= MAX_MB, "MaxPayloadInMB", limits.max_payload_mb, f"0..{MAX_MB}")
        product = limits.max_concurrent * limits.max_payload_mb
        _refuse_unless(product <= MAX_MB, "MaxConcurrentTransforms * MaxPayloadInMB", product, f"0..{MAX_MB}")
        return limits


def _refuse_unless(fine: bool, name: str, value: int, allowed: str) -> None:
    if not fine:
        raise InvalidJob(f"{name} {value} is not within {allowed}")
