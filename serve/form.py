"""`multipart/form-data`: the part `request` holds JSON, every other part a field, most of them files.

A field of several parts is a list, as in `photos`, and so are parts with numbers, as in `layers.0.garment`; brackets,
as in `photos[]` and `layers[0][garment]`, are dots of other programs. A file's bytes stay what they are, and a name
stands for them in the fields.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serve.body import RequestBody, limited, parse_json
from serve.codes import FrontCode
from serve.errors import BadRequest, Invalid

_MAX_PARTS = 100  # files, and fields: ten layers of ten fields
_JSON_PART = "request"
_MOST_PLACES = 3  # dots of a name that are read
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_BRACKETS = re.compile(r"\[([^\]]*)\]")

Part = tuple[str, str | bytes]  # name, content: bytes are a file's


async def read_form(request: Request, max_bytes: int) -> RequestBody:
    """The form as one JSON object.

    Raises:
        Problem: as `form_of`.
        Invalid: a field is given twice.
    """
    async with form_of(request, max_bytes) as form:
        parts = [(name, await content_of(part)) for name, part in form.multi_items()]
    parts = [(name, content) for name, content in parts if content.strip()]  # what a page's empty inputs send
    return await asyncio.to_thread(body_of, parts)  # hashes files, which may have 30 MB


@asynccontextmanager
async def form_of(request: Request, max_bytes: int) -> AsyncIterator[FormData]:
    """The parts of a form.

    Raises:
        TooLarge: all parts together have more than `max_bytes`.
        BadRequest: it is no form, ends early, or has too many parts.
    """
    stream = without_preamble(limited(request, max_bytes), request.headers.get("content-type", ""))
    parser = _EndKnowing(request.headers, stream, max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=max_bytes)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        raise BadRequest(f"the body is no multipart/form-data: {error}"[:200], code=FrontCode.BAD_FORM) from None
    if not parser.ended:
        await form.close()
        detail = "the form ends early: its last boundary, which ends in '--', is missing"
        raise BadRequest(detail, code=FrontCode.BAD_FORM)
    try:
        yield form
    finally:
        await form.close()


class _EndKnowing(MultiPartParser):
    """A parser that knows whether the last boundary came: without it parts may be missing."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


async def without_preamble(chunks: AsyncIterator[bytes], content_type: str) -> AsyncGenerator[bytes, None]:
    """The body from its first boundary on: RFC 2046 lets clients write something before it, the parser does not."""
    first = b"--" + parse_options_header(content_type)[1].get(b"boundary", b"")
    seen = b""
    found = False
    async for chunk in chunks:
        if found:
            yield chunk
            continue
        seen += chunk
        start = seen.find(first)
        found = start >= 0
        if found:
            yield seen[start:]
        seen = b"" if found else seen[-len(first) :]
    if not found:
        yield seen  # which the parser refuses


def body_of(parts: Sequence[Part]) -> RequestBody:
    """The fields of all parts, and their digest: boundaries are random, so the bytes of equal forms differ."""
    files: dict[str, bytes] = {}
    return RequestBody.of(fields_of(parts, files), files)


def fields_of(parts: Sequence[Part], files: dict[str, bytes]) -> dict[str, object]:
    """The parts as nested fields: `garments.upper` is `upper` in `garments`. Puts files into `files` by their names."""
    fields: dict[str, object] = {}
    for content in [content for name, content in parts if name == _JSON_PART]:
        for name, value in parse_json(content).items():
            place(fields, name, value)
    values: dict[str, list[object]] = {}
    for name, content in parts:
        if name != _JSON_PART:
            values.setdefault(dotted(name), []).append(value_of(content, files))
    for name, given in values.items():
        holder, _, leaf = name.rpartition(".")
        place(within(fields, holder), leaf, given if len(given) > 1 else given[0], name)
    return {name: numbered(value) for name, value in fields.items()}


def dotted(name: str) -> str:
    """`photos[]` is `photos`, and `layers[0][garment]` is `layers.0.garment`."""
    return _BRACKETS.sub(lambda found: f".{found[1]}" if found[1] else "", name)


def within(fields: dict[str, object], holder: str) -> dict[str, object]:
    """The object a dotted name points into; of a list of JSON's, the one at that place."""
    inner: object = fields
    for name in holder.split(".", _MOST_PLACES) if holder else ():
        if isinstance(inner, list) and _NUMBER.fullmatch(name) and int(name) < len(inner):
            inner = inner[int(name)]
        else:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        raise Invalid(f"'{holder[:60]}' is given twice: as a value, and as parts of a form", field=holder)
    return inner


def numbered(value: object) -> object:
    """A list in the place of an object whose names are numbers."""
    if not isinstance(value, dict) or not value or not all(map(_NUMBER.fullmatch, value)):
        return value
    return [value[name] for name in sorted(value, key=int)]


def place(fields: dict[str, object], name: str, value: object, shown: str | None = None) -> None:
    if name in fields:
        raise Invalid(f"'{(shown or name)[:60]}' is given twice", field=shown or name)
    fields[name] = value


def value_of(content: str | bytes, files: dict[str, bytes]) -> object:
    """What is no file is taken as it stands, a reference or a number; but objects, lists and what is in quotes are
    JSON."""
    if isinstance(content, str):
        text = content.strip().removeprefix("\ufeff")
        return _read(text, content) if text[:1] in ("{", "[", '"') else content
    name = f"part:{hashlib.sha256(content).hexdigest()}"
    files[name] = content
    return name


def _read(text: str, content: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return content  # whoever wanted an object will say so


async def content_of(part: str | UploadFile) -> str | bytes:
    return part if isinstance(part, str) else await part.read()
