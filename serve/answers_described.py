"""What each route answers, for the OpenAPI document: a result, or one of these problems."""

from __future__ import annotations

from typing import Any

from serve import errors
from serve.errors import Problem

PROBLEM_SCHEMA = "#/components/schemas/Problem"

_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_FILES: dict[str, Any] = {kind: {} for kind in ("image/png", "image/jpeg", "image/webp", "model/gltf-binary")}
_EVENTS = {"application/x-ndjson": _TEXT, "text/event-stream": _TEXT}

_OF_ALL = (errors.Unauthorized,)
_OF_JOBS_BY_ID = (*_OF_ALL, errors.NoSuchJob)
_OF_REQUESTS = (
    *_OF_ALL,
    errors.BadRequest,
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


def _answers(status: int, description: str, content: dict[str, Any], *kinds: type[Problem]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": description}
    if content:
        success["content"] = content
    problems = {
        str(kind.status): {
            "description": kind.title,
            "content": {"application/problem+json": {"schema": {"$ref": PROBLEM_SCHEMA}}},
        }
        for kind in sorted(kinds, key=lambda kind: kind.status)
    }
    return {str(status): success} | problems


_PING = {"200": {"description": "Ready for work."}, "503": {"description": "Starting, draining or broken."}}
_INVOCATIONS = (
    "The answer; with `Accept: image/*` or `model/gltf-binary` the main output itself; with `application/x-ndjson` or "
)
_INVOCATIONS += "`text/event-stream` progress events and then the answer or the problem."

# (method, path) -> its responses
RESPONSES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/invocations"): _answers(
        200,
        _INVOCATIONS,
        {**_OBJECT, **_FILES, **_EVENTS, "application/jsonlines": {}},
        *_OF_REQUESTS,
    ),
    ("post", "/api/jobs"): _answers(
        202, "It will be computed; `Location` tells how far it is.", _OBJECT, *_OF_REQUESTS
    ),
    ("get", "/api/jobs/{job_id}"): _answers(200, "How far it is, or how it ended.", _OBJECT, *_OF_JOBS_BY_ID),
    ("delete", "/api/jobs/{job_id}"): _answers(204, "It is gone.", {}, *_OF_JOBS_BY_ID),
    ("get", "/api/jobs/{job_id}/events"): _answers(200, "Its progress, then how it ended.", _EVENTS, *_OF_JOBS_BY_ID),
    ("get", "/ping"): _PING,
    ("post", "/ping"): _PING,
    ("get", "/health"): _answers(200, "`starting`, `ready`, `restarting`, `broken` or `draining`.", _OBJECT, *_OF_ALL),
    ("get", "/execution-parameters"): _answers(200, "What batch transform should send.", _OBJECT, *_OF_ALL),
    ("get", "/metrics"): _answers(200, "The Prometheus text format.", {"text/plain": _TEXT}, *_OF_ALL),
    ("get", "/api/models"): _answers(200, "What is served, and on what.", _OBJECT, *_OF_ALL),
}
