"""`POST /invocations`: one request in, one answer out, as JSON, as a picture, or as a stream of progress."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from serve.accept import Accept
from serve.answers import Answer
from serve.batch import JSON_LINES, Batch
from serve.body import media_type
from serve.hang_up import CLIENT_GONE, unless_gone
from serve.intake import Intake
from serve.jobs import Jobs
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
    deadline_s: float
    stream_deadline_s: float

    async def __call__(self, request: Request) -> Response:
        if media_type(request) in JSON_LINES:
            return await self.batch(request)
        accept = Accept.parse(request.headers.get("accept", ""))
        default_s = self.stream_deadline_s if accept.stream else self.deadline_s
        job, deadline_s = await self.intake.take(request, default_s, accept)
        if accept.stream:
            if isinstance(job, Answer):
                return stream(only(ending(job)), accept.stream)
            return stream(live_events(self.jobs, job, deadline_s, request.state.request_id), accept.stream)
        answer = job if isinstance(job, Answer) else await unless_gone(request, self.jobs.wait(job, deadline_s))
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        if accept.file is None:
            return json_response(answer)
        content, content_type = await self.results.bytes_of(answer, accept.file)
        return Response(content, media_type=content_type, headers={"X-Atelier-Seed": str(answer.seed)})
