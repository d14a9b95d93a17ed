"""`/openapi.json`: FastAPI's document, completed by the bodies that we read and write ourselves."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from model.engines.registry import ENGINES
from serve.middleware import REQUEST_ID_PATTERN
from serve.operations import OPERATIONS, answer_schemas
from serve.request_schemas import FORM, SCHEMAS, Schema, request_name, request_schemas

Examples = Mapping[str, object]

_TOKEN = {"type": "http", "scheme": "bearer", "description": "`API_TOKEN`, where the operator has set one."}
_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "What the log and a problem call the request; default: random. Echoed.",
    "schema": {"type": "string", "pattern": REQUEST_ID_PATTERN},
}
_MAX_SIDE = {
    "name": "max_side",
    "in": "query",
    "description": "Of a picture: scaled down until no side is longer than this.",
    "schema": {"type": "integer", "minimum": 16, "maximum": 8192},
}
_LINES: Schema = {"schema": {"type": "string", "description": "A request a line."}}


def document(app: FastAPI, examples: Examples, *, guarded: bool) -> dict[str, object]:
    """The OpenAPI document.

    Args:
        examples: name -> example of a request.
        guarded: whether the service asks for a token.
    """
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    schema["components"] = {
        "schemas": request_schemas() | answer_schemas(),
        "securitySchemes": {"token": _TOKEN},
    }
    for (method, path), described in OPERATIONS.items():
        operation = schema["paths"][path][method]
        operation |= {"operationId": described.id, "tags": [described.tag], "responses": described.responses()}
        if guarded and described.guarded:
            operation["security"] = [{"token": []}]
    jobs, invocations = (schema["paths"][path]["post"] for path in ("/api/jobs", "/invocations"))
    schema["paths"]["/api/jobs/{job_id}/outputs/{name}"]["get"]["parameters"].append(_MAX_SIDE)
    jobs["parameters"] = invocations["parameters"] = [_REQUEST_ID]
    jobs["requestBody"] = invocations["requestBody"] = body = _request_body(examples)
    invocations["requestBody"] = body | {"content": body["content"] | {"application/jsonlines": _LINES}}
    return schema


def _request_body(examples: Examples) -> Schema:
    """One request, as JSON or as a form."""
    requests = {"anyOf": [{"$ref": SCHEMAS + request_name(engine)} for engine in ENGINES]}
    form = {"$ref": SCHEMAS + FORM}
    content = {"application/json": {"schema": requests, "examples": examples}, "multipart/form-data": {"schema": form}}
    return {"required": True, "content": content}
