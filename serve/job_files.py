"""`/api/jobs/{id}/outputs/{name}`: a result's file for as long as its answer is kept, wherever it is stored."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from serve.answers import Answer, AnswerOutput, InlineOutput
from serve.errors import Invalid, NoSuchJob
from serve.jobs import Jobs
from serve.place import put_in_place
from serve.results import Results

_SIDES = range(16, 8193)  # pixels that `max_side` may name
_QUALITY = 90  # of JPEGs that were scaled down
_RANGES = re.compile(r"bytes=\s*(\d+-\d*|-\d+)(\s*,\s*(\d+-\d*|-\d+))*\s*")
_HEADERS = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class JobFiles:
    """The route and what it needs."""

    jobs: Jobs
    results: Results

    async def __call__(self, job_id: str, name: str, request: Request) -> Response:
        output = self._output(job_id, name)
        side = max_side_of(request, output)
        etag = f'"{output.sha256}{f"-{side}" if side else ""}"'
        headers = {"ETag": etag, **_HEADERS}
        known = request.headers.get("if-none-match", "")
        if etag in known or known.strip() == "*":
            return Response(status_code=304, headers=headers)
        # What is stored elsewhere is fetched once, and erased with the answer.
        file = self.jobs.outputs_of(job_id) / output.name
        try:
            if not file.exists():
                await asyncio.to_thread(_place, file, await self.content(output))
            if side:
                small = file.with_name(f".{side}.{file.name}")
                if not small.exists():
                    await asyncio.to_thread(_place_smaller, file, small, side)
                file = small
        except FileNotFoundError:  # erased at this moment
            raise NoSuchJob("the job's files were erased") from None
        if not _RANGES.fullmatch(request.headers.get("range", "")):
            _without_range(request)
        return FileResponse(file, headers=headers, media_type=output.content_type)

    def _output(self, job_id: str, name: str) -> AnswerOutput:
        ended = self.jobs.find(job_id)
        found = [one for one in ended.outputs if one.name == name] if isinstance(ended, Answer) else []
        if not found:
            raise NoSuchJob("the job has no file of this name, or has not ended well yet")
        return found[0]

    async def content(self, output: AnswerOutput) -> bytes:
        """The file's bytes, wherever they are.

        Raises:
            NotStored, NoSuchJob: it cannot be read now, or is gone.
        """
        if isinstance(output, InlineOutput):
            return base64.b64decode(output.data)
        return await self.results.stored_bytes(output.uri)


def _without_range(request: Request) -> None:
    """Ranges that are none, or of another unit, are as if they had not been asked for (RFC 9110, 14.2)."""
    request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]


def max_side_of(request: Request, output: AnswerOutput) -> int | None:
    """What `?max_side=` names.

    Raises:
        Invalid: it is no such number, or the file is no picture.
    """
    given = request.query_params.get("max_side")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and int(given) in _SIDES):
        limits = f"{_SIDES[0]} to {_SIDES[-1]}"
        raise Invalid(f"'max_side' must be {limits} pixels (got '{given[:20]}')", field="max_side")
    if not output.content_type.startswith("image/"):
        raise Invalid(f"'max_side' is for pictures, not for {output.content_type}", field="max_side")
    return int(given)


def _place(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    put_in_place(file, content)


def _place_smaller(file: Path, small: Path, side: int) -> None:
    """The picture, no side of it longer than `side`, in its own format and colours."""
    from PIL import Image  # not before it is needed

    with Image.open(file) as picture:
        kind, profile = picture.format, picture.info.get("icc_profile")
        if max(picture.size) > side:
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        picture.save(buffer, kind, icc_profile=profile, **({} if kind == "PNG" else {"quality": _QUALITY}))
    put_in_place(small, buffer.getvalue())
