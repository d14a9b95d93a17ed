"""Clients of fal's CatVTON endpoint: `POST /fal-ai/cat-vton` waits, and under `/queue` (or a host `queue.`) it queues.

fal's own packages come here with `FAL_RUN_HOST=host` and `FAL_QUEUE_RUN_HOST=host/queue`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue

from serve.answers import Answer, ProblemDetails
from serve.body import RequestBody
from serve.clients.call_backs import CallBack, CallBacks
from serve.clients.client import Client
from serve.clients.service import Service, base_of, pictures_of, size_of
from serve.clients.shapes import in_their_words, renamed, telling, their_name
from serve.errors import BadRequest, Invalid, NoSuchJob, Problem, RepeatedProblem
from serve.hang_up import CLIENT_GONE
from serve.live_job import LiveJob

PATH, QUEUE, ENGINE = "/fal-ai/cat-vton", "/queue", "catvton"
_CALL_BACKS, _WEBHOOK = ".fal", "fal_webhook"

_NAMES = {
    "human_image_url": "person",
    "garment_image_url": "garment",
    "cloth_type": "category",
    "guidance_scale": "guidance",
    "num_inference_steps": "steps",
    "image_size": "image_size",
    "seed": "seed",
}
_SIZES = {  # fal's names, width and height
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}


def told(problem: Problem) -> Response:
    """As its validation errors are told."""
    waits = {} if problem.retry_after_s is None else {"Retry-After": str(int(problem.retry_after_s) + 1)}
    return JSONResponse(_errors(problem), problem.status, waits)


def _errors(problem: Problem) -> dict[str, JsonValue]:
    field = their_name(problem.field, _NAMES)
    place: list[JsonValue] = ["body", *([field] if field else [])]
    code = problem.details(None).code
    return {"detail": [{"loc": place, "msg": in_their_words(problem, _NAMES), "type": code}]}


class FalClient(Client):
    """Its routes."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._call_backs = CallBacks(service, _CALL_BACKS, self._called_back)

    def take_up(self) -> None:
        self._call_backs.take_up()

    def routes(self) -> APIRouter:
        router = APIRouter(include_in_schema=False, route_class=telling(told))
        router.add_api_route(PATH, self.run, methods=["POST"])
        router.add_api_route(QUEUE + PATH, self.submit, methods=["POST"])
        for prefix in ("", QUEUE):
            one = f"{prefix}{PATH}/requests/{{request_id}}"
            router.add_api_route(f"{one}/status", self.status, methods=["GET"])
            router.add_api_route(f"{one}/cancel", self.cancel, methods=["PUT"])
            router.add_api_route(one, self.result, methods=["GET"])
        return router

    async def run(self, request: Request) -> Response:
        """Dress somebody now."""
        if request.url.hostname is not None and request.url.hostname.startswith("queue."):
            return await self.submit(request)
        answer = await self.service.answered(request, await self._read(request))
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(await self._result(base_of(request), answer))

    async def submit(self, request: Request) -> Response:
        """Hand it in."""
        body, webhook = await self._read(request), request.query_params.get(_WEBHOOK)
        await self._call_backs.check(webhook, _WEBHOOK)
        job = await self.service.handed_in(body)
        if webhook is not None:
            await self._call_backs.keep(CallBack(job_id=job.id, url=webhook, base=base_of(request)))
        return JSONResponse(self._status(request, job.id, job))

    async def _called_back(self, id: str, base: str) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"request_id": id, "gateway_request_id": id}
        match self.service.jobs.find(id):
            case Answer() as answer:
                return told | {"status": "OK", "error": None, "payload": await self._result(base, answer)}
            case ProblemDetails() as problem:
                payload = _errors(RepeatedProblem(problem))
                return told | {"status": "ERROR", "error": problem.detail, "payload": payload}
            case LiveJob():
                raise NoSuchJob("it has not ended")

    async def _read(self, request: Request) -> RequestBody:
        given = await self.service.intake.read(request)
        fields = renamed(given.fields, _NAMES)
        if (size := fields.pop("image_size", None)) is not None:
            fields |= _painted_at(size)
        # Only with an id an answer is kept, and its picture given out.
        own = {"type": "tryon", "id": str(uuid.uuid4()), **self.service.engine_or_default(ENGINE)}
        return RequestBody.of({**own, **fields}, given.files)

    async def status(self, request_id: str, request: Request) -> Response:
        """How far it is."""
        return JSONResponse(self._status(request, request_id, self.service.jobs.find(request_id)))

    def _status(self, request: Request, id: str, job: LiveJob | Answer | ProblemDetails) -> dict[str, JsonValue]:
        url = f"{base_of(request)}{QUEUE}{PATH}/requests/{id}"
        return {
            **self._state(job),
            "request_id": id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }

    def _state(self, job: LiveJob | Answer | ProblemDetails) -> dict[str, JsonValue]:
        match job:
            case LiveJob(state="queued"):
                return {"status": "IN_QUEUE", "queue_position": max(self.service.jobs.position(job) - 1, 0)}
            case LiveJob():
                return {"status": "IN_PROGRESS", "logs": []}
            case Answer():
                seconds = round(sum(job.timings.values()), 3)
                return {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": seconds}}
            case ProblemDetails():
                failed: dict[str, JsonValue] = {"error": job.detail, "error_type": job.code}
                return {"status": "COMPLETED", "logs": [], "metrics": {}, **failed}

    async def result(self, request_id: str, request: Request) -> Response:
        """What it has made."""
        match self.service.jobs.find(request_id):
            case LiveJob():
                raise BadRequest("the request is still in progress")
            case Answer() as answer:
                return JSONResponse(await self._result(base_of(request), answer))
            case ProblemDetails() as problem:
                raise RepeatedProblem(problem)

    async def cancel(self, request_id: str) -> Response:
        """Stop it."""
        try:
            if not isinstance(self.service.jobs.find(request_id), LiveJob):
                return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
            await self.service.jobs.delete(request_id)
        except NoSuchJob:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def _result(self, base: str, answer: Answer) -> dict[str, JsonValue]:
        picture = pictures_of(answer)[0]
        width, height = size_of(await self.service.files.content(picture)) or (None, None)
        return {
            "image": {
                "url": self.service.url_of(base, answer, picture),
                "content_type": picture.content_type,
                "file_name": picture.name,
                "file_size": picture.bytes,
                "width": width,
                "height": height,
            }
        }


def _painted_at(size: object) -> dict[str, object]:
    """The result has this size; without one it has the photo's."""
    if isinstance(size, Mapping) and size.keys() == {"width", "height"}:
        return {"width": size["width"], "height": size["height"], "repaint": False}
    if isinstance(size, str) and size in _SIZES:
        width, height = _SIZES[size]
        return {"width": width, "height": height, "repaint": False}
    known = f"{', '.join(_SIZES)}, or an object of width and height"
    raise Invalid(f"'image_size' must be one of {known}", field="image_size")
