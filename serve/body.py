"""The body of one request, as bytes and as JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field

from fastapi import Request

from serve.errors import BadRequest, TooLarge, UnsupportedMedia
from serve.unpacking import GZIP, unpacked

_BYTE_ORDER_MARK = "\ufeff"  # of a text; of bytes json knows it
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class RequestBody:
    """The fields of a request. `digest` tells whether two bodies are the same.

    files: of a form, by what stands for them in `fields`.
    """

    fields: dict[str, object]
    digest: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: dict[str, object], files: Mapping[str, bytes] | None = None) -> RequestBody:
        """Fields that came in some other way than as JSON."""
        return cls(fields, hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest(), files or {})

    @classmethod
    async def parse(cls, raw: bytes) -> RequestBody:
        """A JSON object, read in a thread: pictures of 30 MB take a third of a second."""
        return await asyncio.to_thread(lambda: cls(parse_json(raw), hashlib.sha256(raw).hexdigest()))


def media_type(request: Request) -> str:
    """What the client says it sends; JSON when it says nothing."""
    return (request.headers.get("content-type", "").strip() or "application/json").split(";")[0].strip().lower()


async def read_bytes(request: Request, max_bytes: int) -> bytes:
    return b"".join([chunk async for chunk in limited(request, max_bytes)])


async def limited(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes in, unpacked.

    Raises:
        TooLarge: its head says that it is longer than `max_bytes`, or as soon as it is, unpacked.
        UnsupportedMedia: it is packed in a way that is not read here.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:  # before a byte of it is asked for
        raise _too_large(max_bytes)
    size = 0
    async for chunk in _contents(request):
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def _contents(request: Request) -> AsyncIterator[bytes]:
    named = ",".join(request.headers.getlist("content-encoding"))
    encodings = [word for word in map(str.strip, named.lower().split(",")) if word not in ("identity", "")]
    if not encodings:
        return request.stream()
    if len(encodings) == 1 and encodings[0] in GZIP:
        return unpacked(request.stream())
    raise UnsupportedMedia(f"Content-Encoding '{named[:60]}' is not read here; send gzip, or the body as it is")


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"the body is larger than {max_bytes} bytes; send pictures as s3:// or https:// instead")


def _why_not(raw: str | bytes, error: ValueError | RecursionError) -> str:
    """What is wrong with a text that is no JSON, in words that a client understands."""
    if not raw.strip():
        return "it is empty"
    if isinstance(raw, bytes) and raw.startswith(_GZIP_MAGIC):
        return "it is packed with gzip; say so with 'Content-Encoding: gzip'"
    match error:
        case json.JSONDecodeError():
            return str(error)
        case UnicodeDecodeError():
            return f"it is not UTF-8, see the byte at {error.start}"
        case RecursionError():
            return "it is nested too deeply"
    return "a number in it has too many digits"


def parse_json(raw: str | bytes) -> dict[str, object]:
    """`raw` as a JSON object."""
    try:
        parsed = json.loads(raw.removeprefix(_BYTE_ORDER_MARK) if isinstance(raw, str) else raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {_why_not(raw, error)}"[:200]) from None
    if not isinstance(parsed, dict):
        raise BadRequest("the body must be a JSON object")
    return parsed
