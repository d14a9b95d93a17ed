"""Sending a request again, with the same id, until its end is definite."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from common.command_line import say
from common.failures import Failed, Json, told

ATTEMPTS = 5  # in all; the pauses between them are 30 s together
READ_S, STREAM_READ_S = 70, 490  # SageMaker cuts a plain answer at 60 s, a streamed one at 480
FIRST_PAUSE_S, MAX_PAUSE_S = 2.0, 60.0  # pauses double


def runtime_client(
    region: str | None, endpoint_url: str | None = None, *, read_timeout_s: float = READ_S
) -> BaseClient:
    """boto3's client, waiting longer than the platform does and sending nothing twice by itself."""
    config = Config(connect_timeout=10, read_timeout=read_timeout_s, retries={"total_max_attempts": 1})
    with told():
        return boto3.client("sagemaker-runtime", region_name=region, endpoint_url=endpoint_url, config=config)


def s3_client(region: str | None) -> BaseClient:
    """boto3's client, for large requests and for results; `AWS_ENDPOINT_URL_S3` leads it elsewhere."""
    with told():
        return boto3.client("s3", region_name=region)


def until_definite(attempt: Callable[[], Json], attempts: int) -> Json:
    """What `attempt` returns, made up to `attempts` times, as long as its failure is `retryable`."""
    pause_s = FIRST_PAUSE_S
    while True:
        attempts -= 1
        try:
            return attempt()
        except Failed as failure:
            if not failure.retryable or attempts <= 0:
                raise
            wait_s = min(failure.retry_after_s or pause_s, MAX_PAUSE_S)
            say(f"{failure}; sending it again in {wait_s:.0f} s")
        time.sleep(wait_s)
        pause_s *= 2


def body_of(request: Json) -> bytes:
    """The same request makes the same bytes: by them the container knows it again."""
    return json.dumps(request).encode()
