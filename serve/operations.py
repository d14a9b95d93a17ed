"""Every route as the OpenAPI document has it: what it is called, what it answers, which problems it can answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serve import errors
from serve.answers import Answer, Event, FailedLine, JobStatus, ProblemDetails, TakenJob
from serve.catalogue_api import CatalogueList
from serve.errors import Problem
from serve.offers import Offers
from serve.request_schemas import SCHEMAS, Schema

Content = dict[str, Schema]

_TOLD = (Answer, JobStatus, TakenJob, ProblemDetails, FailedLine, Offers, CatalogueList)


@dataclass(frozen=True)
class Operation:
    """One method of one path. `id`: what generated clients call it."""

    id: str
    tag: Literal["invocations", "jobs", "catalogue", "service"]
    status: int
    description: str
    content: Content = field(default_factory=dict)
    problems: tuple[type[Problem], ...] = (errors.Unauthorized,)
    bare: Mapping[int, str] = field(default_factory=dict)  # further answers, without a body
    guarded: bool = True

    def responses(self) -> dict[str, Schema]:
        """Status -> response."""
        success: Schema = {"description": self.description} | ({"content": self.content} if self.content else {})
        problem = {"application/problem+json": {"schema": _reference(ProblemDetails)}}
        problems = {str(kind.status): {"description": kind.title, "content": problem} for kind in self.problems}
        bare = {str(status): {"description": description} for status, description in self.bare.items()}
        return {str(self.status): success} | bare | dict(sorted(problems.items()))


def answer_schemas() -> dict[str, Schema]:
    """Component name -> schema of all that is answered in JSON, every member of it always there.

    A component is called by its model's title, which is the class's name where it says nothing else.
    """
    models = [*_TOLD, *Event.__args__]
    _, document = models_json_schema([(model, "serialization") for model in models], ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Schema] = {schema.get("title", name): schema for name, schema in document["$defs"].items()}
    for schema in schemas.values():
        properties = schema.get("properties", {})
        for value in properties.values():
            value.pop("default", None)
        if properties:
            schema["required"] = list(properties)
    return schemas


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": SCHEMAS + (model.model_config.get("title") or model.__name__)}


def _json(schema: Schema) -> Content:
    return {"application/json": {"schema": schema}}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT: Schema = {"schema": {"type": "string"}}
_BYTES: Schema = {"schema": {"type": "string", "format": "binary"}}
_FILES: Content = dict.fromkeys(("image/png", "image/jpeg", "image/webp", "model/gltf-binary"), _BYTES)
_EVENTS: Content = {"application/x-ndjson": _TEXT, "text/event-stream": _TEXT}
_LINES: Content = {"application/jsonlines": {"schema": {"type": "string", "description": "An answer a line."}}}

_STATES = ["starting", "ready", "restarting", "broken", "draining"]
_HEALTH = _object(state={"type": "string", "enum": _STATES})
_BATCH_PARAMETERS = _object(
    MaxConcurrentTransforms={"type": "integer"},
    BatchStrategy={"type": "string"},
    MaxPayloadInMB={"type": "integer"},
)

_OF_JOBS_BY_ID = (errors.Unauthorized, errors.NoSuchJob)
_OF_REQUESTS = (
    errors.BadRequest,
    errors.Unauthorized,
    errors.NoSuchJob,
    errors.IdInUse,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.Invalid,
    errors.InputUnavailable,
    errors.Overloaded,
    errors.Internal,
    errors.NotStored,
    errors.NotReady,
    errors.DeadlinePassed,
    errors.OutOfMemory,
)

_OF_PICTURES = (
    errors.Unauthorized,
    errors.NoSuchGarment,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.InputUnavailable,
)
_KEPT = {304: "It is the one you have."}

_INVOKED = (
    "The answer; with `Accept: image/png` and the like or `model/gltf-binary` the main output itself; with "
    "`application/x-ndjson` or `text/event-stream` progress events and then the answer or the problem."
)
_EVENTS_TOLD = "Each line, or the data of each event, is a ProgressEvent; the last an AnswerEvent or a ProblemEvent."
_PING = Operation(
    "ping", "service", 200, "Ready for work.", {}, (), {503: "Starting, draining or broken."}, guarded=False
)

# (method, path) -> what it is
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/invocations"): Operation(
        "invoke", "invocations", 200, _INVOKED, {**_json(_reference(Answer)), **_FILES, **_EVENTS, **_LINES},
        _OF_REQUESTS,
    ),
    ("post", "/api/jobs"): Operation(
        "submit_job", "jobs", 202, "It will be computed; `Location` tells how far it is.",
        _json(_reference(TakenJob)), _OF_REQUESTS,
    ),
    ("get", "/api/jobs/{job_id}"): Operation(
        "get_job", "jobs", 200, "How far it is, or how it ended.", _json(_reference(JobStatus)), _OF_JOBS_BY_ID
    ),
    ("delete", "/api/jobs/{job_id}"): Operation("delete_job", "jobs", 204, "It is gone.", {}, _OF_JOBS_BY_ID),
    ("get", "/api/jobs/{job_id}/events"): Operation(
        "stream_job_events", "jobs", 200, _EVENTS_TOLD, _EVENTS, _OF_JOBS_BY_ID
    ),
    ("get", "/api/jobs/{job_id}/outputs/{name}"): Operation(
        "get_job_output", "jobs", 200, "The file.", _FILES | {"application/octet-stream": _BYTES},
        (*_OF_JOBS_BY_ID, errors.Invalid, errors.NotStored),
        {206: "A range of it.", 304: "It is the one you have.", 416: "It has no such range."},
    ),
    ("get", "/api/catalogue"): Operation(
        "list_garments", "catalogue", 200, "All of `CATALOGUE`.", _json(_reference(CatalogueList)),
        (errors.Unauthorized, errors.InputUnavailable),
    ),
    ("get", "/api/catalogue/{slug}/picture"): Operation(
        "get_garment_picture", "catalogue", 200, "The file.",
        dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/heic"), _BYTES), _OF_PICTURES, _KEPT,
    ),
    ("get", "/api/catalogue/{slug}/thumbnail"): Operation(
        "get_garment_thumbnail", "catalogue", 200, "A small JPEG.", {"image/jpeg": _BYTES}, _OF_PICTURES, _KEPT
    ),
    ("get", "/ping"): _PING,
    ("get", "/livez"): Operation(
        "livez", "service", 200, "Worth keeping.", {}, (), {503: "Broken: to be replaced."}, guarded=False
    ),
    ("post", "/ping"): replace(_PING, id="post_ping"),
    ("get", "/health"): Operation("get_health", "service", 200, "The state in a word.", _json(_HEALTH)),
    ("get", "/execution-parameters"): Operation(
        "get_execution_parameters", "service", 200, "What batch transform should send.", _json(_BATCH_PARAMETERS)
    ),
    ("get", "/metrics"): Operation(
        "get_metrics", "service", 200, "The Prometheus text format.", {"text/plain": _TEXT}
    ),
    ("get", "/api/models"): Operation(
        "get_models", "service", 200, "What is served, and on what.", _json(_reference(Offers))
    ),
}  # fmt: skip
