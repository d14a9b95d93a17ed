"""S3 through boto3, in threads. Made when first needed: a service that only answers inline never loads boto3."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_CONNECT_S, _READ_S, _ATTEMPTS = 5, 30, 3
_CHUNK_BYTES = 2**20


class S3Error(Exception):
    """S3 said no, or nothing. `code` is its error code, or the botocore exception's name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class S3:
    """The few calls we make. Addresses are `s3://bucket/key` strings; all failures are `S3Error`."""

    def __init__(self, *, region: str | None, endpoint_url: str | None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        # S3-compatible stores refuse the checksums boto3 adds by itself; the ones we set are sent all the same.
        checksums = "when_required" if self._endpoint_url else "when_supported"
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
        )
        return boto3.client("s3", region_name=self._region, endpoint_url=self._endpoint_url, config=config)

    async def download(self, uri: str, to: Path, max_bytes: int) -> bool:
        """Write the object to a file; False, and the file incomplete, if it is larger than `max_bytes`."""

        def download() -> bool:
            bucket, key = split_uri(uri)
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            written = 0
            with body, to.open("wb") as file:
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    written += file.write(chunk)
                    if written > max_bytes:
                        return False
            return True

        return await _call(download)

    async def read(self, uri: str) -> bytes | None:
        """A small object's content; None if there is none."""

        def read() -> bytes:
            bucket, key = split_uri(uri)
            content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            return content

        try:
            return await _call(read)
        except S3Error as error:
            if error.code == "NoSuchKey":
                return None
            raise

    async def upload(self, uri: str, file: Path, content_type: str) -> None:
        """Store a file, its SHA-256 checked by the store."""

        def upload() -> None:
            bucket, key = split_uri(uri)
            with file.open("rb") as body:
                digest = base64.b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
                body.seek(0)
                self._client.put_object(
                    Bucket=bucket, Key=key, Body=body, ContentType=content_type, ChecksumSHA256=digest
                )

        await _call(upload)

    async def create(self, uri: str, content: bytes, content_type: str) -> bool:
        """Store `content` unless there is something already; False if there is."""

        def create() -> None:
            bucket, key = split_uri(uri)
            self._client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*")

        try:
            await _call(create)
        except S3Error as error:
            if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/b` -> (`bucket`, `a/b`)."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


async def _call(function: Callable[[], T]) -> T:
    def call() -> T:
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            return function()
        except ClientError as error:
            raise S3Error(error.response.get("Error", {}).get("Code", "Unknown")) from error
        except (BotoCoreError, HTTPError) as error:
            raise S3Error(type(error).__name__) from error

    return await asyncio.to_thread(call)
