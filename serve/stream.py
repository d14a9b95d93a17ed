"""A job's progress as a stream. After the first byte there is no status left, so it ends with the answer or problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from serve.errors import Problem
from serve.jobs import Jobs
from serve.live_job import LiveJob

NDJSON, SSE = "application/x-ndjson", "text/event-stream"

Events = AsyncIterator[tuple[str, dict[str, Any]]]


def stream(events: Events, media_type: str) -> StreamingResponse:
    """Named events as lines of JSON or as server-sent events."""

    async def lines() -> AsyncIterator[str]:
        async for event, fields in events:
            line = json.dumps({"event": event, **fields})
            yield f"event: {event}\ndata: {line}\n\n" if media_type == SSE else f"{line}\n"

    return StreamingResponse(lines(), media_type=media_type)


async def live_events(jobs: Jobs, job: LiveJob, deadline_s: float, request_id: str) -> Events:
    """`progress` any number of times, then `answer` or `problem`. Who listens waits for the job."""
    waiting = asyncio.create_task(jobs.wait(job, deadline_s))
    try:
        async for event in jobs.watch(job, waiting):
            yield "progress", event
        yield "answer", await waiting
    except Problem as problem:
        yield "problem", problem.to_json(request_id)
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])


async def only(event: str, fields: dict[str, Any]) -> Events:
    """One event: how a job ended that is no longer live."""
    yield event, fields
