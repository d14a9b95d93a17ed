"""Clients of Vesaki's service, `/api/v1`: a person and a garment as files in, the picture as base64 out."""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue
from starlette.datastructures import UploadFile

from serve.answers import Answer
from serve.body import RequestBody
from serve.clients.client import Client
from serve.clients.records import Records
from serve.clients.service import Service, base_of, pictures_of, size_of
from serve.clients.vesaki_batches import SUFFIX, Batches, BatchRecord
from serve.clients.vesaki_errors import VesakiRefusal, told
from serve.clients.vesaki_options import Options, options_of
from serve.errors import NoSuchJob, Problem
from serve.form import body_of, form_of
from serve.hang_up import CLIENT_GONE
from serve.rate_limit import Share, Shares, parsed

PATH, ENGINE, VERSION = "/api/v1", "warp", "1.0.0"

_MOST_BYTES = 10 * 2**20  # of one picture
_SIDES = range(256, 4097)  # its pixels
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8")
_GMM, _TOM = "flow_network", "tryon_module"  # our engine's networks that do what those of its names did

Handler = Callable[[Request], Awaitable[Response]]


class VesakiClient(Client):
    """Its routes. The engine is the warping one where it is loaded, else whoever answers try-ons."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._started = time.monotonic()
        records = Records(service.folder, SUFFIX, BatchRecord, for_s=service.kept_s + service.job_deadline_s)
        self._batches = Batches(service, records, set())

    def routes(self) -> APIRouter:
        tryons, batches, looks = (Shares(parsed(limit)) for limit in self.service.settings.vesaki_limits)
        router = APIRouter(prefix=PATH, include_in_schema=False)
        router.add_api_route("/tryon", _within(tryons, self.try_on), methods=["POST"])
        router.add_api_route("/batch", _within(batches, self.batch), methods=["POST"])
        for path, handler in {
            "/batch/{job_id}": self.batch_status,
            "/health": self.state,
            "/model/info": self.model,
            "/metrics": self.all_metrics,
        }.items():
            router.add_api_route(path, _within(looks, handler), methods=["GET"])
        return router

    def take_up(self) -> None:
        self._batches.take_up()

    async def try_on(self, request: Request) -> Response:
        """Dress the person."""
        began = time.monotonic()
        person, garment, options = await self._read(request)
        pictures = body_of([("person", person), ("garment", garment)])
        body = RequestBody.of({**self._asked(options), **pictures.fields}, pictures.files)
        answer = await self.service.answered(request, body)
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(await self._told(answer, person, garment, options, time.monotonic() - began))

    async def _read(self, request: Request) -> tuple[bytes, bytes, Options]:
        service = self.service
        service.jobs.refuse_unless_open()
        async with form_of(request, service.intake.max_body_bytes) as form:
            files = [await _picture(form.get(name), name) for name in ("person_image", "garment_image")]
            options = options_of({name: value for name, value in form.items() if isinstance(value, str)})
        return files[0], files[1], options

    def _asked(self, options: Options) -> dict[str, object]:
        engine = self.service.engine_or_default(ENGINE)
        warped = {"return_warped": True} if options.return_intermediate and engine else {}
        return {"type": "tryon", **engine, **warped, **options.ours(inline=True)}

    async def _told(
        self, answer: Answer, person: bytes, garment: bytes, options: Options, seconds: float
    ) -> dict[str, JsonValue]:
        by_stem = {output.name.partition(".")[0]: output for output in answer.outputs}
        files = {stem: await self.service.files.content(output) for stem, output in by_stem.items()}
        result = files[pictures_of(answer)[0].name.partition(".")[0]]
        shown = {name: _text(files[stem]) for name, stem in _INTERMEDIATE.items() if stem in files}
        metadata: dict[str, JsonValue] = {
            "input_resolution": _resolution(person),
            "output_resolution": _resolution(result),
            "person_resolution": _resolution(person),
            "garment_resolution": _resolution(garment),
            "model_version": f"{answer.engine}-{(answer.model.fingerprint or '')[:12]}",
        }
        told: dict[str, JsonValue] = {
            "status": "success",
            "result_image": _text(result),
            "processing_time": round(seconds, 3),
            "metadata": metadata,
        }
        return told | ({"intermediate_results": {**shown}} if options.wants_mask else {})

    async def batch(self, request: Request) -> Response:
        """Dress many, from addresses."""
        fields = {"type": "tryon", **self.service.engine_or_default(ENGINE)}
        id, record = await self._batches.take(request, fields)
        told = {
            "job_id": id,
            "status": "processing",
            "total": len(record.pairs),
            "total_pairs": len(record.pairs),
            "completed": 0,
            "estimated_time_seconds": self._batches.expected_s(record),
            "status_url": f"{base_of(request)}{PATH}/batch/{id}",
        }
        return JSONResponse(told, 202)

    async def batch_status(self, request: Request) -> Response:
        """How far a batch is."""
        id = request.path_params["job_id"]
        record = self._batches.records.find(id)
        if record is None:
            raise NoSuchJob("no batch of this id was taken here lately")
        return JSONResponse(self._batches.told(id, record))

    async def state(self, request: Request) -> Response:
        """Whether it is ready."""
        state, device = self.service.health.state(), self.service.workers.device
        gpu = str(device.get("torch_device", "cpu")).startswith("cuda")
        told = {
            "status": "healthy" if state == "ready" else state,
            "model_loaded": self.service.workers.was_ready,
            "gpu_available": gpu,
            "gpu_name": device.get("name") if gpu else None,
            "version": VERSION,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
        }
        return JSONResponse(told, 200 if self.service.workers.was_ready else 503)

    async def model(self, request: Request) -> Response:
        """What dresses them."""
        self.service.jobs.refuse_unless_open()
        models = self.service.workers.models
        default = next((name for name, model in models.items() if model.type == "tryon" and model.default), None)
        name = ENGINE if ENGINE in models else default
        if name is None:
            raise VesakiRefusal("MODEL_NOT_LOADED", "no try-on is loaded", status=503)
        counted, defaults = self.service.parameters_of(name), models[name].defaults
        size: JsonValue = [defaults.get("width", 768), defaults.get("height", 1024)]
        parameters = {"total": counted.total(), "gmm": counted.get(_GMM), "tom": counted.get(_TOM)}
        trained = (
            "none: random numbers" if models[name].untrained else "see the licence and the manifest of its weights"
        )
        return JSONResponse(
            {
                "name": name,
                "version": models[name].fingerprint[:12],
                "architecture": "GMM + TOM" if name == ENGINE else name,
                "input_resolution": size,
                "output_resolution": size,
                "parameters": parameters,
                "training_info": {"weights": trained, "licence": models[name].licence},
            }
        )

    async def all_metrics(self, request: Request) -> Response:
        """Ours, for Prometheus."""
        return Response(self.service.metrics.render(), media_type="text/plain; version=0.0.4")


_INTERMEDIATE = {"warped_garment": "warped", "composition_mask": "mask"}


def _within(shares: Shares, handler: Handler) -> Handler:
    """The handler, for as long as one who asks has something left; its problems in Vesaki's words."""

    async def answered(request: Request) -> Response:
        share = await shares.take(request.scope)
        try:
            response = await handler(request) if share.taken else told(share.refusal())
        except (Problem, VesakiRefusal) as error:
            response = told(error)
        response.headers.update(_left(share))
        return response

    return answered


def _left(share: Share) -> Mapping[str, str]:
    return {
        "X-RateLimit-Limit": str(share.limit.amount),
        "X-RateLimit-Remaining": str(share.remaining),
        "X-RateLimit-Reset": str(int(share.free_at)),
    }


async def _picture(part: UploadFile | str | None, field: str) -> bytes:
    """A file that its service would have taken.

    Raises:
        VesakiRefusal: it would not.
    """
    if not isinstance(part, UploadFile):
        raise VesakiRefusal("MISSING_PARAMETER", f"'{field}' is needed, as a file", field)
    content = await part.read()
    if len(content) > _MOST_BYTES:
        raise VesakiRefusal("IMAGE_TOO_LARGE", f"'{field}' is larger than {_MOST_BYTES} bytes", field, 413)
    if not content.startswith(_MAGIC):
        raise VesakiRefusal("INVALID_FORMAT", f"'{field}' is neither a JPEG nor a PNG", field)
    size = size_of(content)
    if size is None:
        raise VesakiRefusal("INVALID_IMAGE", f"'{field}' is damaged: nothing says how large it is", field)
    if not all(side in _SIDES for side in size):
        limits = f"{_SIDES[0]} to {_SIDES[-1]} pixels a side"
        raise VesakiRefusal("INVALID_IMAGE", f"'{field}' has {size[0]} x {size[1]} pixels; send {limits}", field)
    return content


def _resolution(content: bytes) -> JsonValue:
    size = size_of(content)
    return None if size is None else [*size]


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
