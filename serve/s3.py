"""S3: the few calls we make."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from serve import aws

if TYPE_CHECKING:
    from botocore.client import BaseClient

_CHUNK_BYTES = 2**20  # read at a time, so that a large object is never wholly in memory


class S3:
    """Addresses are `s3://bucket/key` strings; all failures are `AwsError`."""

    def __init__(self, *, region: str | None, endpoint_url: str | None, silence_s: float = aws.SILENCE_S) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._silence_s = silence_s

    @cached_property
    def _client(self) -> BaseClient:
        return aws.client("s3", self._region, self._endpoint_url, self._silence_s)

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

        return await aws.call_again(download)

    async def children(self, prefix: str, limit: int) -> list[str]:
        """The objects directly under `prefix`, which ends in "/", in the order of their names; at most `limit`."""

        def list_objects() -> list[str]:
            bucket, key = split_uri(prefix)
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, Delimiter="/")
            objects = (found["Key"] for page in pages for found in page.get("Contents", []))
            return [f"s3://{bucket}/{name}" for name in islice((name for name in objects if name != key), limit)]

        return await aws.call_again(list_objects)

    async def read(self, uri: str) -> bytes | None:
        """A small object's content; None if there is none."""

        def read() -> bytes:
            bucket, key = split_uri(uri)
            content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            return content

        try:
            return await aws.call(read)
        except aws.AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise

    async def upload(self, uri: str, file: Path, content_type: str, *, new: bool = False) -> bool:
        """Store a file, its SHA-256 checked by the store. new: unless there is something already; False if there is."""

        def upload() -> None:
            bucket, key = split_uri(uri)
            unless_there = {"IfNoneMatch": "*"} if new else {}
            with file.open("rb") as body:
                digest = base64.b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
                body.seek(0)
                self._client.put_object(
                    Bucket=bucket, Key=key, Body=body, ContentType=content_type, ChecksumSHA256=digest, **unless_there
                )

        return await _unless_taken(aws.call(upload))

    async def presigned(self, uri: str, valid_s: int) -> str:
        """An https address that anybody may read the object at, for so long."""

        def sign() -> str:
            bucket, key = split_uri(uri)
            params = {"Bucket": bucket, "Key": key}
            return str(self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=valid_s))

        return await aws.call(sign)

    async def create(self, uri: str, content: bytes, content_type: str) -> bool:
        """Store `content` unless there is something already; False if there is."""

        def create() -> None:
            bucket, key = split_uri(uri)
            self._client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*")

        return await _unless_taken(aws.call(create))


async def _unless_taken(storing: Awaitable[None]) -> bool:
    """Whether it was stored; not where something was already, or is just being stored."""
    try:
        await storing
    except aws.AwsError as error:
        if error.code in ("PreconditionFailed", "ConditionalRequestConflict"):
            return False
        raise
    return True


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/a/b` -> (`bucket`, `a/b`)."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
