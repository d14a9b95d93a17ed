"""`/api/jobs`: hand a job in, ask how far it is, fetch its answer later. Nobody needs to stay connected."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from serve.accept import SSE, Accept
from serve.addresses_of_jobs import Addresses, job_path
from serve.answers import Answer, AnswerEvent, JobStatus, ProblemDetails, TakenJob
from serve.clients.client import SharedPaths
from serve.intake import Intake, inference_id
from serve.job_files import JobFiles
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.responses import json_response
from serve.stream import Events, ending, has_heard_the_end, live_events, only, stream


@dataclass(frozen=True)
class JobsApi:
    """The routes and what they need."""

    intake: Intake
    jobs: Jobs
    files: JobFiles
    addresses: Addresses
    clients: SharedPaths
    deadline_s: float

    def routes(self) -> APIRouter:
        router = APIRouter(prefix="/api/jobs")
        router.add_api_route("", self.submit, methods=["POST"], status_code=202, summary="Hand a job in")
        router.add_api_route("/{job_id}", self.show, methods=["GET"], summary="How far a job is, or how it ended")
        router.add_api_route("/{job_id}/events", self.events, methods=["GET"], summary="Its progress as a stream")
        router.add_api_route("/{job_id}/outputs/{name}", self.files.__call__, methods=["GET"], summary="A file of it")
        router.add_api_route(
            "/{job_id}", self.delete, methods=["DELETE"], status_code=204, summary="Cancel it and erase it"
        )
        return router

    async def submit(self, request: Request) -> Response:
        body = await self.intake.read(request)
        if (told := await self.clients.take_job(body, request)) is not None:
            return JSONResponse(told, 202)
        taken = self._taken(await self.intake.hand_in(body, self.deadline_s, inference_id(request)))
        return json_response(taken, status=202, headers={"Location": taken.url})

    async def show(self, job_id: str) -> Response:
        if (told := self.clients.job(job_id)) is not None:
            return JSONResponse(told)
        return json_response(self._told(job_id))

    async def events(self, job_id: str, request: Request) -> Response:
        job, request_id = self.jobs.find(job_id), request.state.request_id
        media_type = Accept.of(request).best_stream()
        if media_type == SSE and has_heard_the_end(request):
            return Response(status_code=204)  # which tells a browser not to come again
        if isinstance(job, LiveJob):
            events = live_events(self.jobs, job, self.deadline_s, request_id)
            return stream(self._with_urls(events), media_type)
        if isinstance(job, ProblemDetails):
            job = job.model_copy(update={"request_id": request_id})
        return stream(self._with_urls(only(ending(job))), media_type)

    async def _with_urls(self, events: Events) -> Events:
        async for event in events:
            if isinstance(event, AnswerEvent):
                event = event.model_copy(update={"urls": self.addresses.outputs(event.id, event.outputs)})
            yield event

    async def delete(self, job_id: str) -> Response:
        await self.jobs.delete(job_id)
        return Response(status_code=204)

    def _taken(self, job: LiveJob | Answer) -> TakenJob:
        """What the client is told at once."""
        return TakenJob(
            id=job.id,
            state=job.state,
            estimated_s=(round(job.expected_s, 1) or None) if isinstance(job, LiveJob) else 0,
            url=job_path(job.id),
            events_url=self.addresses.events(job.id),
        )

    def _told(self, job_id: str) -> JobStatus:
        """What the client is told later."""
        events_url = self.addresses.events(job_id)
        match self.jobs.find(job_id):
            case LiveJob() as job:
                return JobStatus(id=job.id, state=job.state, progress=self.jobs.progress_of(job), events_url=events_url)
            case Answer() as answer:
                urls = self.addresses.outputs(job_id, answer.outputs)
                return JobStatus(id=answer.id, state="done", answer=answer, events_url=events_url, urls=urls)
            case ProblemDetails() as problem:
                return JobStatus(id=job_id, state="failed", problem=problem, events_url=events_url)
