"""boto3, in threads, with one kind of failure. Loaded when first needed: who only answers inline never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_CONNECT_S, _READ_S, _ATTEMPTS = 5, 30, 3


class AwsError(Exception):
    """A service said no, or nothing. `code` is its error code, or the botocore exception's name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def client(service: str, region: str | None, endpoint_url: str | None) -> Any:
    """A boto3 client that gives up in time."""
    import boto3
    from botocore.config import Config

    # S3-compatible stores refuse the checksums boto3 adds by itself; the ones we set are sent all the same.
    checksums = "when_required" if endpoint_url else "when_supported"
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    return boto3.client(service, region_name=region, endpoint_url=endpoint_url, config=config)


async def call(function: Callable[[], T]) -> T:
    """Run `function`, which uses a client.

    Raises:
        AwsError: it failed.
    """

    def run() -> T:
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            return function()
        except ClientError as error:
            raise AwsError(error.response.get("Error", {}).get("Code", "Unknown")) from error
        except (BotoCoreError, HTTPError) as error:
            raise AwsError(type(error).__name__) from error

    return await asyncio.to_thread(run)
