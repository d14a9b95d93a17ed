"""boto3, in threads, with one kind of failure. Loaded when first needed: who only answers inline never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")

NO_CREDENTIALS = "NoCredentialsError"
ARCHIVED = "InvalidObjectState"
SILENCE_S = 30.0  # without a byte, and a call has failed: half of botocore's default, since somebody waits
_CONNECT_S, _ATTEMPTS = 5.0, 3  # seconds to a connection; tries of a call, the standard mode's default
_PAUSES_S = (0.3, 1.5)  # boto3 does not ask again for the rest of an answer that broke off
_LASTING = (NO_CREDENTIALS, "ParamValidationError")

# Refusals of the client's kind (4xx) that pass all the same: too many requests, and credentials that are renewed.
_PASSING = frozenset(
    {
        *("RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"),
        *("RequestLimitExceeded", "OperationAborted", "ExpiredToken", "ExpiredTokenException"),
    }
)

# Threads of their own: a service that hangs must not hold those that everything else runs in.
_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="aws")


class AwsError(Exception):
    """A service said no, or nothing. `code` is its error code, or the botocore exception's name."""

    def __init__(self, code: str, status: int = 0) -> None:
        """`status`: of the HTTP answer, if there was one."""
        super().__init__(code)
        self.code = code
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether it may be otherwise in a moment."""
        refused = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return self.code in _PASSING or not (refused or self.code in _LASTING)


def client(service: str, region: str | None, endpoint_url: str | None, silence_s: float = SILENCE_S) -> BaseClient:
    """A boto3 client that gives up in time. Made within `call`.

    Raises:
        AwsError: there are no credentials; there may be later, but a client made now would never look again.
    """
    import boto3
    from botocore.config import Config

    # S3-compatible stores refuse the checksums boto3 adds by itself; the ones we set are sent all the same.
    checksums = "when_required" if endpoint_url else "when_supported"
    config = Config(
        connect_timeout=min(_CONNECT_S, silence_s),
        read_timeout=silence_s,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        signature_version="s3v4" if service == "s3" else None,  # which else is an old one for presigned addresses
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    session = boto3.Session()
    if session.get_credentials() is None:
        raise AwsError(NO_CREDENTIALS)
    return session.client(service, region_name=region, endpoint_url=endpoint_url, config=config)


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
            code = error.response.get("Error", {}).get("Code", "Unknown")
            raise AwsError(code, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) from error
        except (BotoCoreError, HTTPError) as error:
            raise AwsError(type(error).__name__) from error

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


async def call_again(function: Callable[[], T]) -> T:
    """As `call`, but what failed and may pass is tried anew after a pause, and once more.

    Raises:
        AwsError: it failed to the end.
    """
    for pause_s in _PAUSES_S:
        try:
            return await call(function)
        except AwsError as error:
            if not error.passing:
                raise
        await asyncio.sleep(pause_s)
    return await call(function)
