"""`POST /invocations`: one request in, one answer out, as JSON, as a picture, or as a stream of progress."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from serve.accept import Accept
from serve.intake import Intake
from serve.jobs import Jobs
from serve.results import Results
from serve.stream import live_events, only, stream

T = TypeVar("T")
_CLIENT_GONE = 499  # nobody reads it; it is for the log


@dataclass(frozen=True)
class Invocations:
    """The route and what it needs."""

    intake: Intake
    jobs: Jobs
    results: Results
    deadline_s: float
    stream_deadline_s: float

    async def __call__(self, request: Request) -> Response:
        accept = Accept.parse(request.headers.get("accept", ""))
        default_s = self.stream_deadline_s if accept.stream else self.deadline_s
        job, deadline_s = await self.intake.take(request, default_s, accept)
        if accept.stream:
            events = only("answer", job) if isinstance(job, dict) else live_events(self.jobs, job, deadline_s)
            return stream(events, accept.stream)
        answer = job if isinstance(job, dict) else await unless_gone(request, self.jobs.wait(job, deadline_s))
        if answer is None:
            return Response(status_code=_CLIENT_GONE)
        if accept.image is None:
            return JSONResponse(answer)
        content, content_type = await self.results.bytes_of(answer, accept.image)
        return Response(content, media_type=content_type, headers={"X-Atelier-Seed": str(answer["seed"])})


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
