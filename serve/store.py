"""Where results end: under `{prefix}{id}/` in S3 or a folder, the manifest last and only once."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import socket
from collections.abc import Awaitable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from model.request import Output
from serve.addresses import lies_under, path_of
from serve.answers import Answer
from serve.aws import NO_CREDENTIALS, AwsError
from serve.codes import FrontCode
from serve.errors import Invalid
from serve.place import sync_file, sync_folder
from serve.s3 import S3

MANIFEST = "manifest.json"

# Other failures pass, and are tried again.
_NEVER_A_FOLDER = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


T = TypeVar("T")

log = logging.getLogger(__name__)


class Manifest(BaseModel):
    """What is stored last: the answer, and the request it belongs to."""

    digest: str
    answer: Answer


class StoreError(Exception):
    """Storage did not take it now. It may later."""


class MissingCredentialsError(StoreError):
    """There is nothing to show to S3. Asking it again soon is of no use."""

    def __init__(self) -> None:
        super().__init__(
            f"{NO_CREDENTIALS}: there are no AWS credentials; under network isolation only inline answers work"
        )


class Storage(Protocol):
    """What both kinds of storage do."""

    async def upload(self, uri: str, file: Path, content_type: str, *, new: bool = False) -> bool:
        """Store a file. new: unless there is something already; False if there is."""

    async def create(self, uri: str, content: bytes, content_type: str) -> bool:
        """Store unless there is something already; False if there is."""

    async def read(self, uri: str) -> bytes | None: ...


class Folder:
    """`file:///...` addresses."""

    async def upload(self, uri: str, file: Path, content_type: str, *, new: bool = False) -> bool:
        def upload() -> bool:
            beside = _beside(to := path_of(uri))
            shutil.copyfile(file, beside)
            sync_file(beside)
            if new:
                return _linked(beside, to)
            beside.rename(to)
            sync_folder(to.parent)
            return True

        return await asyncio.to_thread(upload)

    async def create(self, uri: str, content: bytes, content_type: str) -> bool:
        def create() -> bool:
            beside = _beside(to := path_of(uri))
            beside.write_bytes(content)
            sync_file(beside)
            return _linked(beside, to)

        return await asyncio.to_thread(create)

    async def read(self, uri: str) -> bytes | None:
        path = path_of(uri)
        return await asyncio.to_thread(path.read_bytes) if path.exists() else None


def _beside(to: Path) -> Path:
    """Where this process writes a file until it is whole."""
    to.parent.mkdir(parents=True, exist_ok=True)
    return to.with_name(f".{to.name}.{socket.gethostname()}-{os.getpid()}.part")


def _linked(beside: Path, to: Path) -> bool:
    """Give a whole file its name; False if there is one of this name."""
    try:
        os.link(beside, to)  # fails where a rename would overwrite
        sync_folder(to.parent)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True


class Store:
    """Puts the files of finished jobs under an allowed prefix."""

    def __init__(self, *, s3: S3, default_prefix: str | None, allow: Collection[str]) -> None:
        self._s3 = s3
        self._storages: dict[str, Storage] = {"s3": s3, "file": Folder()}
        self._default_prefix = default_prefix
        self._allowed = (*allow, *([default_prefix] if default_prefix else []))

    def prefix_for(self, output: Output, *, wants_bytes: bool) -> str | None:
        """The prefix results go to; None: they travel in the answer. `wants_bytes`: the client asked for a file's.

        Raises:
            Invalid: the named prefix is not under an allowed one.
        """
        if output.inline:
            return None
        if output.prefix is None:
            return None if wants_bytes else self._default_prefix
        prefix = output.prefix
        if not prefix.endswith("/") or not lies_under(prefix, self._allowed):
            raise Invalid(
                "'output.prefix' must end in '/' and lie under OUTPUT_PREFIX or OUTPUT_ALLOW of this service",
                field="output.prefix",
                code=FrontCode.OUTPUT_NOT_ALLOWED,
            )
        return prefix

    async def find(self, prefix: str, job_id: str) -> Manifest | None:
        """The manifest of a job that was stored before, perhaps by another container; None if there is none."""
        content = await self.read(f"{prefix}{job_id}/{MANIFEST}")
        try:
            return None if content is None else Manifest.model_validate_json(content)
        except ValidationError:  # another version's, or not ours: it is left as it is, and stands in nobody's way
            log.warning("a manifest cannot be read", extra={"job": job_id})
            return None

    async def presigned(self, uri: str, valid_s: int) -> str | None:
        """An address that anybody may read a file at; None: it is not in S3."""
        if not uri.startswith("s3://"):
            return None
        return await self._attempt(self._s3.presigned(uri, valid_s))

    async def put(self, uri: str, file: Path, content_type: str, *, new: bool = False) -> bool:
        """Store one file. new: unless there is another already; False if there is."""
        stored = await self._attempt(self._storage(uri).upload(uri, file, content_type, new=new))
        return stored or await self.read(uri) == await asyncio.to_thread(file.read_bytes)

    async def finish(self, prefix: str, job_id: str, manifest: Manifest) -> bool:
        """Write the manifest, after everything else; False if another container has written one."""
        uri = f"{prefix}{job_id}/{MANIFEST}"
        content = manifest.model_dump_json().encode()
        return await self._attempt(self._storage(uri).create(uri, content, "application/json"))

    async def read(self, uri: str) -> bytes | None:
        """What is stored at `uri`; None if there is nothing."""
        return await self._attempt(self._storage(uri).read(uri))

    def _storage(self, uri: str) -> Storage:
        return self._storages[uri.split(":", 1)[0]]

    async def _attempt(self, operation: Awaitable[T]) -> T:
        try:
            return await operation
        except AwsError as error:
            raise MissingCredentialsError if error.code == NO_CREDENTIALS else StoreError(error.code) from error
        except OSError as error:
            if error.errno in _NEVER_A_FOLDER:
                detail = f"'output.prefix' and 'id' make no folder here: {os.strerror(error.errno)}"
                raise Invalid(detail, field="output.prefix", code=FrontCode.OUTPUT_NOT_ALLOWED) from None
            raise StoreError(os.strerror(error.errno or 0)) from error
