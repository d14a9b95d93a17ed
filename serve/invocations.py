"""`POST /invocations`: one request in, one answer out, as JSON, as a picture, or as a stream of progress."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from serve.accept import Accept
from serve.errors import Problem, TooLarge, UnsupportedMedia
from serve.jobs import Answer, Jobs, LiveJob, Workers
from serve.store import Store
from serve.submission import parse_json, read_submission

T = TypeVar("T")
_CLIENT_GONE = 499  # nobody reads it; it is for the log


@dataclass(frozen=True)
class Invocations:
    """The route and what it needs."""

    jobs: Jobs
    store: Store
    workers: Workers
    max_body_bytes: int
    deadline_s: float
    stream_deadline_s: float

    async def __call__(self, request: Request) -> Response:
        self.jobs.refuse_unless_open()
        accept = Accept.parse(request.headers.get("accept", ""))
        job, deadline_s = await self._submit(request, accept)
        if accept.stream:
            return StreamingResponse(self._stream(job, deadline_s, accept.stream), media_type=accept.stream)
        answer = job if isinstance(job, dict) else await unless_gone(request, self.jobs.wait(job, deadline_s))
        if answer is None:
            return Response(status_code=_CLIENT_GONE)
        if accept.image is None:
            return JSONResponse(answer)
        content, content_type = await self.jobs.bytes_of(answer, accept.image)
        return Response(content, media_type=content_type, headers={"X-Atelier-Seed": str(answer["seed"])})

    async def _submit(self, request: Request, accept: Accept) -> tuple[LiveJob | Answer, float]:
        """Everything up to the queue. The body, pictures and all, is let go of when this returns."""
        raw = await read_body(request, self.max_body_bytes)
        digest = hashlib.sha256(raw + (accept.image or "").encode()).hexdigest()
        body = accept.with_format(parse_json(raw))
        inference_id = request.headers.get("x-amzn-sagemaker-inference-id")
        submission = read_submission(body, digest, self.workers.models, inference_id)
        wanted = submission.request
        prefix = self.store.prefix_for(wanted.output, wants_bytes=accept.image is not None)
        deadline_s = wanted.deadline_s or (self.stream_deadline_s if accept.stream else self.deadline_s)
        return await self.jobs.submit(submission, prefix, deadline_s), deadline_s

    async def _stream(self, job: LiveJob | Answer, deadline_s: float, media_type: str) -> AsyncIterator[str]:
        async for event, fields in self._events(job, deadline_s):
            line = json.dumps({"event": event, **fields})
            yield f"event: {event}\ndata: {line}\n\n" if media_type == "text/event-stream" else f"{line}\n"

    async def _events(self, job: LiveJob | Answer, deadline_s: float) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """`progress` any number of times, then `answer` or `problem`: after the first byte there is no status left."""
        if isinstance(job, dict):
            yield "answer", job
            return
        waiting = asyncio.create_task(self.jobs.wait(job, deadline_s))
        try:
            async for event in self.jobs.watch(job, waiting):
                yield "progress", event
            yield "answer", await waiting
        except Problem as problem:
            yield "problem", problem.to_json(job.id)
        finally:
            waiting.cancel()
            await asyncio.wait([waiting])


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body, refused as soon as it is known to be too long or of another media type."""
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMedia(f"Content-Type '{media_type[:60]}' is not read here; send application/json")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"the body is larger than {max_bytes} bytes; send pictures as s3:// or https:// instead")
        chunks.append(chunk)
    return b"".join(chunks)


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`; None, and `work` cancelled, when the client has hung up."""

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(hung_up())
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait([working])
