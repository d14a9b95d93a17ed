"""A job's progress as a stream. After the first byte there is no status left, so it ends with the answer or problem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from serve.accept import SSE
from serve.answers import Answer, AnswerEvent, Event, ProblemDetails, ProblemEvent, ProgressEvent
from serve.errors import Problem
from serve.jobs import Jobs
from serve.live_job import LiveJob

Events = AsyncIterator[Event]


def stream(events: Events, media_type: str) -> StreamingResponse:
    """Events as lines of JSON or as server-sent events."""

    async def lines() -> AsyncIterator[str]:
        async for event in events:
            line = json.dumps({"event": event.event, **event.model_dump(mode="json")})
            yield f"event: {event.event}\ndata: {line}\n\n" if media_type == SSE else f"{line}\n"

    return StreamingResponse(lines(), media_type=media_type)


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
