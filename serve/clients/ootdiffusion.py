"""Clients of a server around OOTDiffusion: a photo and the number of a garment in, the address of a picture out.

Differences: what it meant as 400 and 404 is one, and no 500; pictures have names that nobody else's request can take.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue
from starlette.datastructures import UploadFile

from model.tryon.request import Category
from serve.answers import Answer
from serve.catalogue import CatalogueEntry
from serve.clients.client import Client
from serve.clients.ootdiffusion_times import Times
from serve.clients.service import Service
from serve.codes import FrontCode
from serve.errors import BadRequest, InputUnavailable, Invalid, NoSuchGarment, NoSuchJob
from serve.form import body_of, form_of
from serve.hang_up import CLIENT_GONE

ENGINE = "ootdiffusion"
_PHOTOS = ("image/jpeg", "image/jpg", "image/png")
_GUIDANCE, _MARGIN = 1.5, 0.2  # what that server set for everybody
_RESULT = re.compile(r"out_(?:hd|dc)_([0-9a-f]{32})\.png")


@dataclass(frozen=True)
class Kind:
    """A category as that server calls it."""

    number: int
    name: str
    model_type: str


_UPPER, _LOWER, _DRESS = Kind(0, "upperbody", "hd"), Kind(1, "lowerbody", "dc"), Kind(2, "dress", "dc")
_KINDS: Mapping[Category, Kind] = {
    "upper": _UPPER,
    "inner": _UPPER,
    "outer": _UPPER,
    "lower": _LOWER,
    "overall": _DRESS,
}


class OOTDiffusionClient(Client):
    """Its routes. The engine is OOTDiffusion where it is loaded, else whoever answers try-ons."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._times = Times()

    def routes(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/vto", self.try_on, methods=["POST"])
        router.add_api_route("/clothes", self.clothes, methods=["GET"])
        router.add_api_route("/result/{filename}", self.result, methods=["GET"])
        return router

    async def try_on(self, request: Request) -> Response:
        """Dress the photo."""
        began = time.monotonic()
        with self._times.timed() as category:
            photo, wanted = await self._read(request)
            number, garment = await self._chosen(wanted)
            category.append(_KINDS[garment.category].name)
            answer = await self._dressed(request, photo, garment)
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(self._told(answer, number, garment, time.monotonic() - began))

    async def _read(self, request: Request) -> tuple[bytes, str]:
        """The photo's file, and which garment is wanted."""
        self.service.jobs.refuse_unless_open()
        async with form_of(request, self.service.intake.max_body_bytes) as form:
            photo, wanted = form.get("person_image"), form.get("clothe_id")
            if not isinstance(photo, UploadFile):
                raise Invalid("'person_image' is needed, as a file", field="person_image")
            if not isinstance(wanted, str):
                raise Invalid("'clothe_id' is needed, as a value", field="clothe_id")
            if photo.content_type not in _PHOTOS:
                kinds = f"'person_image' is {photo.content_type}; send one of {', '.join(_PHOTOS)}"
                raise BadRequest(kinds, code=FrontCode.BAD_FORM, field="person_image")
            return await photo.read(), wanted

    async def _chosen(self, wanted: str) -> tuple[int, CatalogueEntry]:
        """By its number, which moves when files are added, or by its slug."""
        garments = list(enumerate(await self.service.catalogue.garments(), 1))
        for number, garment in garments:
            if wanted.strip() in (str(number), garment.slug):
                return number, garment
        there = ", ".join(str(number) for number, _ in garments) or "none"
        raise NoSuchGarment(f"'clothe_id' is '{wanted[:64]}'; there are: {there}", field="clothe_id")

    async def _dressed(self, request: Request, photo: bytes, garment: CatalogueEntry) -> Answer | None:
        """None: the client has gone."""
        service = self.service
        ours = {"engine": ENGINE, "guidance": _GUIDANCE} if ENGINE in service.workers.models else {}
        body = body_of([("person", photo)])
        fields: dict[str, object] = {
            "type": "tryon",
            "id": secrets.token_hex(16),  # by which the picture can be asked for later
            "garment": garment.reference,
            "category": garment.category,
            "crop": {"person": _MARGIN},
            **ours,
            **body.fields,
        }
        return await service.answered(request, replace(body, fields=fields))

    def _told(self, answer: Answer, number: int, garment: CatalogueEntry, seconds: float) -> dict[str, JsonValue]:
        kind = _KINDS[garment.category]
        return {
            "success": True,
            "image_url": f"/result/out_{kind.model_type}_{answer.id}.png",
            "processing_time": round(seconds, 3),
            "clothe_id": number,
            "clothe_name": garment.name,
            "category": kind.name,
            "model_type": kind.model_type,
            "metrics": {
                "average_time": self._times.average(),
                "category_average": self._times.average(kind.name),
                "recent_performance": self._times.recent_performance(),
            },
        }

    async def clothes(self) -> JSONResponse:
        """The catalogue."""
        garments = enumerate(await self.service.catalogue.garments(), 1)
        told = [self._garment_told(number, garment) for number, garment in garments]
        return JSONResponse({"success": True, "clothes": told, "total": len(told)})

    @staticmethod
    def _garment_told(number: int, garment: CatalogueEntry) -> dict[str, JsonValue]:
        kind = _KINDS[garment.category]
        return {
            "id": number,
            "slug": garment.slug,
            "name": garment.name,
            "path": f"/api/catalogue/{garment.slug}/picture",
            "category": kind.number,
            "category_name": kind.name,
            "model_type": kind.model_type,
        }

    async def result(self, filename: str, request: Request) -> Response:
        """A picture, for as long as its answer is kept."""
        named = _RESULT.fullmatch(filename)
        if named is None:
            raise NoSuchJob("no result has this name")
        return await self.service.files(named[1], "result.png", request)

    async def greeting(self) -> JsonValue:
        return {
            "message": "Atelier dresses people",
            "status": self._status(),
            "timestamp": time.time(),
            "uptime_hours": self._times.uptime_hours,
            "total_requests": self._times.total,
            "average_processing_time": self._times.average(),
        }

    async def health(self) -> dict[str, JsonValue]:
        """Its folders are told as the routes they are seen at: those of the machine are nobody's business."""
        times = self._times
        return {
            "status": self._status(),
            "detector_ready": self.service.detector_ready,
            "clothe_count": await self._count(),
            "temp_dir": "/result",
            "clothe_dir": "/clothes",
            "timestamp": time.time(),
            "performance": {
                "uptime_hours": times.uptime_hours,
                "total_requests": times.total,
                "success_rate": times.success_rate,
                "average_time": times.average(),
                "recent_average": times.recent_performance()["average"],
            },
        }

    async def metrics(self) -> dict[str, JsonValue]:
        return {"success": True, "metrics": self._times.as_metrics(), "timestamp": datetime.now().isoformat()}

    async def _count(self) -> int:
        try:
            return len(await self.service.catalogue.garments())
        except InputUnavailable:  # which is no reason not to answer
            return 0

    def _status(self) -> str:
        state = self.service.health.state()
        return "healthy" if state == "ready" else state
