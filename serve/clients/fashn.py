"""Clients of FASHN: `POST /v1/run` hands a try-on in, `GET /v1/status/{id}` says how far it is.

FASHN's own packages come here with `FASHN_BASE_URL=https://host`.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue

from serve.answers import Answer, AnswerOutput, ProblemDetails
from serve.body import RequestBody
from serve.catalogue import slug_in
from serve.clients.call_backs import CallBack, CallBacks
from serve.clients.client import Client
from serve.clients.service import Service, base_of, pictures_of
from serve.clients.shapes import in_their_words, renamed, telling
from serve.errors import Invalid, Problem
from serve.live_job import LiveJob

_MODELS = ("tryon-v1.6", "tryon-v1.5")
_CALL_BACKS, _WEBHOOK = ".fashn", "webhook_url"
_INLINE = "b64-"  # begins the ids of those whose pictures travel in the answer
_NAMES = {
    "model_image": "person",
    "garment_image": "garment",
    "category": "category",
    "mode": "quality",
    "num_samples": "samples",
    "seed": "seed",
    "output_format": "format",
    "return_base64": "inline",
    # Masks and photos are of any kind here, and nothing is moderated.
    "garment_photo_type": "",
    "segmentation_free": "",
    "moderation_level": "",
}
_CATEGORIES = {"auto": "auto", "tops": "upper", "bottoms": "lower", "one-pieces": "overall"}
_MODES = {"performance": "fast", "balanced": "balanced", "quality": "best"}
_ERRORS = {404: "NotFound", 429: "ConcurrencyLimitExceeded"}
# Of a job that failed, by our code.
_FAILURES = {
    "no_person": "PoseError",
    "input_unavailable": "ImageLoadError",
    "image_unreadable": "ImageLoadError",
    "unsupported_picture": "ImageLoadError",
    "too_large": "ImageLoadError",
    "too_many_pixels": "ImageLoadError",
    "bad_url": "ImageLoadError",
    "host_not_allowed": "ImageLoadError",
    "input_not_allowed": "ImageLoadError",
    "file_not_allowed": "ImageLoadError",
    "bad_base64": "ImageLoadError",
}


def told(problem: Problem) -> Response:
    """As its API errors are told: whatever is wrong with a request is a bad request."""
    status = problem.status if problem.status in _ERRORS or problem.status >= 500 else 400
    name = _ERRORS.get(status, "BadRequest" if status == 400 else "InternalServerError")
    waits = {} if problem.retry_after_s is None else {"Retry-After": str(int(problem.retry_after_s) + 1)}
    return JSONResponse({"error": name, "message": in_their_words(problem, _NAMES)}, status, waits)


class FashnClient(Client):
    """Its routes."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._call_backs = CallBacks(service, _CALL_BACKS, self._status)

    def take_up(self) -> None:
        self._call_backs.take_up()

    def routes(self) -> APIRouter:
        router = APIRouter(include_in_schema=False, route_class=telling(told))
        router.add_api_route("/v1/run", self.run, methods=["POST"])
        router.add_api_route("/v1/status/{id}", self.status, methods=["GET"])
        return router

    async def run(self, request: Request) -> Response:
        """Hand a try-on in."""
        given = await self.service.intake.read(request)
        webhook = request.query_params.get(_WEBHOOK)
        body = self._body(given)
        await self._call_backs.check(webhook, _WEBHOOK)
        job = await self.service.handed_in(body)
        if webhook is not None:
            await self._call_backs.keep(CallBack(job_id=job.id, url=webhook, base=base_of(request)))
        return JSONResponse({"id": job.id, "error": None})

    def _body(self, given: RequestBody) -> RequestBody:
        fields = renamed(_inputs(given.fields), _NAMES)
        if isinstance(garment := fields.get("garment"), str) and slug_in(garment) is None:
            fields.setdefault("category", "auto")
        if "category" in fields:
            fields["category"] = _one_of(_CATEGORIES, fields["category"], "category")
        if "quality" in fields:
            quality = _one_of(_MODES, fields.pop("quality"), "mode")
            # It is a wish: of engines without presets there is nothing to choose.
            fields |= {"quality": quality} if self.service.has_presets(_MODES.values()) else {}
        inline = fields.pop("inline", False)
        if not isinstance(inline, bool):
            raise Invalid("'return_base64' must be true or false", field="return_base64")
        output = {"format": fields.pop("format", "png"), **({"inline": True} if inline else {})}
        id = f"{_INLINE if inline else ''}{uuid.uuid4()}"
        return RequestBody.of({"type": "tryon", "id": id, **fields, "output": output}, given.files)

    async def status(self, id: str, request: Request) -> Response:
        """How far it is."""
        return JSONResponse(await self._status(id, base_of(request)))

    async def _status(self, id: str, base: str) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"id": id, "output": None, "error": None}
        match self.service.jobs.find(id):
            case LiveJob() as job:
                told["status"] = "in_queue" if job.state == "queued" else "processing"
            case Answer() as answer:
                told["status"] = "completed"
                told["output"] = [await self._picture(base, answer, one) for one in pictures_of(answer)]
            case ProblemDetails() as problem:
                told["status"] = "time_out" if problem.code == "deadline" else "failed"
                told["error"] = {"name": _failure(problem), "message": problem.detail}
        return told

    async def _picture(self, base: str, answer: Answer, output: AnswerOutput) -> str:
        if not answer.id.startswith(_INLINE):
            return self.service.url_of(base, answer, output)
        content = await self.service.files.content(output)
        return f"data:{output.content_type};base64,{base64.b64encode(content).decode()}"


def _inputs(body: Mapping[str, object]) -> Mapping[str, object]:
    """Those of a try-on, which in its old format are the body itself."""
    if "model_name" not in body and "inputs" not in body:
        return body
    if body.get("model_name") not in _MODELS:
        raise Invalid(f"'model_name' must be one of {', '.join(_MODELS)}", field="model_name")
    inputs = body.get("inputs")
    if not isinstance(inputs, Mapping):
        raise Invalid("'inputs' must be an object", field="inputs")
    return inputs


def _one_of(known: Mapping[str, str], value: object, field: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise Invalid(f"'{field}' must be one of {', '.join(known)}", field=field)
    return known[value]


def _failure(problem: ProblemDetails) -> str:
    if problem.code in _FAILURES:
        return _FAILURES[problem.code]
    return "InputValidationError" if problem.status < 500 else "PipelineError"
