"""`POST /invocations`: one request in, one answer out, as JSON, as a picture, or as a stream of progress."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from serve.accept import JSON, STREAMS, Accept
from serve.batch import JSON_LINES, Batch
from serve.body import media_type
from serve.clients.client import SharedPaths
from serve.hang_up import CLIENT_GONE, unless_gone
from serve.intake import Intake, Taken
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.responses import json_response
from serve.results import Results
from serve.stream import ending, live_events, only, stream


@dataclass(frozen=True)
class Invocations:
    """The route and what it needs."""

    intake: Intake
    batch: Batch
    jobs: Jobs
    results: Results
    clients: SharedPaths
    deadline_s: float
    stream_deadline_s: float

    async def __call__(self, request: Request) -> Response:
        if media_type(request) in JSON_LINES:
            return await self.batch(request)
        accept = Accept.of(request)
        taken = await self.intake.take(request, self.deadline_s, accept, self.stream_deadline_s)
        if taken.media_type in STREAMS:
            return self._streamed(taken, request.state.request_id)
        job = taken.job
        answer = await unless_gone(request, self.jobs.wait(job, taken.deadline_s)) if isinstance(job, LiveJob) else job
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        if taken.media_type == JSON:
            told = self.clients.answer(request, job.request if isinstance(job, LiveJob) else None)
            return json_response(answer) if told is None else JSONResponse(told)
        at_hand = job.stored_bytes if isinstance(job, LiveJob) else {}
        content, content_type = await self.results.bytes_of(answer, taken.media_type, at_hand)
        return Response(content, media_type=content_type, headers={"X-Atelier-Seed": str(answer.seed)})

    def _streamed(self, taken: Taken, request_id: str) -> Response:
        if isinstance(taken.job, LiveJob):
            events = live_events(self.jobs, taken.job, taken.deadline_s, request_id)
        else:
            events = only(ending(taken.job))
        return stream(events, taken.media_type)
