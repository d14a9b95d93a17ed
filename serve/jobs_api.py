"""`/api/jobs`: hand a job in, ask how far it is, fetch its answer later. Nobody needs to stay connected."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from serve.accept import Accept
from serve.intake import Intake
from serve.jobs import Jobs, Settled
from serve.live_job import Answer, LiveJob
from serve.stream import NDJSON, live_events, only, stream


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
        job, _ = await self.intake.take(request, self.deadline_s, durable=True)
        if isinstance(job, LiveJob):
            await self._accepted(job)
        taken = describe_accepted(job)
        return JSONResponse(taken, status_code=202, headers={"Location": taken["url"]})

    async def _accepted(self, job: LiveJob) -> None:
        """Wait until nothing but its deletion can lose the job, or it has failed: an inline picture is none."""
        waiting = asyncio.create_task(job.accepted.wait())
        await asyncio.wait([waiting, job.task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not job.accepted.is_set():
            await self.jobs.wait(job, self.deadline_s)

    async def show(self, job_id: str) -> Response:
        return JSONResponse(describe(job_id, self.jobs.find(job_id)))

    async def events(self, job_id: str, request: Request) -> Response:
        job = self.jobs.find(job_id)
        media_type = Accept.parse(request.headers.get("accept", "")).stream or NDJSON
        if isinstance(job, LiveJob):
            return stream(live_events(self.jobs, job, self.deadline_s, request.state.request_id), media_type)
        if "problem" in job:
            return stream(only("problem", job["problem"] | {"request_id": request.state.request_id}), media_type)
        return stream(only("answer", job["answer"]), media_type)

    async def delete(self, job_id: str) -> Response:
        await self.jobs.delete(job_id)
        return Response(status_code=204)


def describe_accepted(job: LiveJob | Answer) -> dict[str, Any]:
    """What the client is told at once; `estimated_s` is null while nothing has been measured."""
    if isinstance(job, LiveJob):
        return {
            "id": job.id,
            "state": state(job),
            "estimated_s": round(job.expected_s, 1) or None,
            "url": f"/api/jobs/{job.id}",
        }
    return {"id": job["id"], "state": "done", "estimated_s": 0, "url": f"/api/jobs/{job['id']}"}


def describe(job_id: str, job: LiveJob | Settled) -> dict[str, Any]:
    """What the client is told later. `answer` and `problem` are what `/invocations` would have sent."""
    told = {"id": job_id, "state": state(job), "progress": None, "answer": None, "problem": None}
    if isinstance(job, LiveJob):
        return told | {"progress": job.event()}
    return told | {ending: job.get(ending) for ending in ("answer", "problem")}


def state(job: LiveJob | Settled) -> str:
    """`queued`, `running`, `done` or `failed`."""
    if isinstance(job, LiveJob):
        return "queued" if job.stage[0] == "queue" else "running"
    return "failed" if "problem" in job else "done"
