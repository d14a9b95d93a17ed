"""`/api/jobs`: hand a job in, ask how far it is, fetch its answer later. Nobody needs to stay connected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serve.accept import SSE, Accept
from serve.answers import Answer, Job, ProblemDetails, TakenJob
from serve.intake import Intake
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.responses import json_response
from serve.stream import ending, has_heard_the_end, live_events, only, stream


@dataclass(frozen=True)
class JobsApi:
    """The routes and what they need."""

    intake: Intake
    jobs: Jobs
    deadline_s: float

    def routes(self) -> APIRouter:
        router = APIRouter(prefix="/api/jobs")
        router.add_api_route("", self.submit, methods=["POST"], status_code=202, summary="Hand a job in")
        router.add_api_route("/{job_id}", self.show, methods=["GET"], summary="How far a job is, or how it ended")
        router.add_api_route("/{job_id}/events", self.events, methods=["GET"], summary="Its progress as a stream")
        router.add_api_route(
            "/{job_id}", self.delete, methods=["DELETE"], status_code=204, summary="Cancel it and erase it"
        )
        return router

    async def submit(self, request: Request) -> Response:
        job = (await self.intake.take(request, self.deadline_s, durable=True)).job
        if isinstance(job, LiveJob):
            await self._accepted(job)
        taken = describe_taken(job)
        return json_response(taken, status=202, headers={"Location": taken.url})

    async def _accepted(self, job: LiveJob) -> None:
        """Wait until nothing but its deletion can lose the job, or it has failed: an inline picture is none."""
        waiting = asyncio.create_task(job.accepted.wait())
        await asyncio.wait([waiting, job.task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not job.accepted.is_set():
            await self.jobs.wait(job, self.deadline_s)

    async def show(self, job_id: str) -> Response:
        return json_response(describe(job_id, self.jobs.find(job_id)))

    async def events(self, job_id: str, request: Request) -> Response:
        job, request_id = self.jobs.find(job_id), request.state.request_id
        media_type = Accept.of(request).best_stream()
        if media_type == SSE and has_heard_the_end(request):
            return Response(status_code=204)  # which tells a browser not to come again
        if isinstance(job, LiveJob):
            return stream(live_events(self.jobs, job, self.deadline_s, request_id), media_type)
        if isinstance(job, ProblemDetails):
            job = job.model_copy(update={"request_id": request_id})
        return stream(only(ending(job)), media_type)

    async def delete(self, job_id: str) -> Response:
        await self.jobs.delete(job_id)
        return Response(status_code=204)


def describe_taken(job: LiveJob | Answer) -> TakenJob:
    """What the client is told at once."""
    if isinstance(job, LiveJob):
        estimated_s = round(job.expected_s, 1) or None
        return TakenJob(id=job.id, state=job.state, estimated_s=estimated_s, url=f"/api/jobs/{job.id}")
    return TakenJob(id=job.id, state="done", estimated_s=0, url=f"/api/jobs/{job.id}")


def describe(job_id: str, job: LiveJob | Answer | ProblemDetails) -> Job:
    """What the client is told later."""
    match job:
        case LiveJob():
            return Job(id=job_id, state=job.state, progress=job.shown_progress())
        case Answer():
            return Job(id=job_id, state="done", answer=job)
        case ProblemDetails():
            return Job(id=job_id, state="failed", problem=job)
