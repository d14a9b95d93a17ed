"""A job's progress as a stream. After the first byte there is no status left, so it ends with the answer or problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse

from serve.accept import SSE
from serve.answers import Answer, AnswerEvent, Event, ProblemDetails, ProblemEvent, ProgressEvent
from serve.errors import Problem
from serve.jobs import Jobs
from serve.live_job import LiveJob

_RETRY_MS = 2000  # until a browser that lost the stream asks again
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nothing between may keep or collect it

Events = AsyncIterator[Event]


def stream(events: Events, media_type: str) -> StreamingResponse:
    """Events as lines of JSON, or as server-sent events: with ids, and an `end` after which nobody need come back."""

    async def lines() -> AsyncIterator[str]:
        async for event in events:
            yield json.dumps({"event": event.event, **event.model_dump(mode="json")}) + "\n"

    async def server_sent() -> AsyncIterator[str]:
        number = 0
        async for event in events:
            number += 1
            data = json.dumps({"event": event.event, **event.model_dump(mode="json")})
            name = number if isinstance(event, ProgressEvent) else event.event
            yield f"id: {name}\nretry: {_RETRY_MS}\nevent: {event.event}\ndata: {data}\n\n"
        yield "id: end\nevent: end\ndata: {}\n\n"

    return StreamingResponse(server_sent() if media_type == SSE else lines(), media_type=media_type, headers=_HEADERS)


def has_heard_the_end(request: Request) -> bool:
    """Whether a browser that lost an event stream comes back though it has had all of it."""
    return request.headers.get("last-event-id") in ("answer", "problem", "end")


async def live_events(jobs: Jobs, job: LiveJob, deadline_s: float, request_id: str) -> Events:
    """Progress any number of times, then the answer or the problem. Who listens waits for the job."""
    waiting = asyncio.create_task(jobs.wait(job, deadline_s))
    try:
        async for progress in jobs.watch(job, waiting):
            yield ProgressEvent.model_validate(progress, from_attributes=True)
        yield ending(await waiting)
    except Problem as problem:
        yield ending(problem.details(request_id))
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])


async def only(event: Event) -> Events:
    """One event: how a job ended that is no longer live."""
    yield event


def ending(told: Answer | ProblemDetails) -> AnswerEvent | ProblemEvent:
    """The last event of a stream."""
    if isinstance(told, Answer):
        return AnswerEvent.model_validate(told, from_attributes=True)
    return ProblemEvent.model_validate(told, from_attributes=True)
