"""`/docs` and `/openapi.json`: the request schemas of the engines, with examples that run as they stand.

The page and its scripts come from here, not from the internet: it works on a laptop in a train and in a closed network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from model.engines.registry import ENGINES, request_class
from serve.answers_described import RESPONSES

Examples = dict[str, Any]
_SCHEMAS = "#/components/schemas/"

_PAGE = Path(__file__).parent / "web/docs"
_SWAGGER_UI = Path(__file__).parent / "vendor/swagger-ui"

# Swagger UI sets styles of elements, draws icons from data: addresses, and shows answers as blob: ones.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail", "code", "retryable"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "code": {"type": "string", "description": "Stable and machine readable."},
        "field": {"type": ["string", "null"], "description": "The request field at fault."},
        "retryable": {"type": "boolean"},
        "retry_after_s": {"type": ["number", "null"]},
        "request_id": {"type": ["string", "null"]},
    },
}

_TOKEN = {"type": "http", "scheme": "bearer", "description": "`API_TOKEN`, where the operator has set one."}


def add_docs(app: FastAPI, examples: Callable[[], Examples], *, guarded: bool) -> None:
    """Serve `/docs`.

    Args:
        examples: name -> OpenAPI example; called when the document is first asked for.
        guarded: whether the service asks for a token.
    """
    app.mount("/docs/static", StaticFiles(directory=_PAGE))
    app.mount("/docs/swagger-ui", StaticFiles(directory=_SWAGGER_UI))

    @app.get("/docs", include_in_schema=False)
    def docs() -> FileResponse:
        return FileResponse(_PAGE / "docs.html", headers={"Content-Security-Policy": _POLICY})

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app, examples(), guarded=guarded)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def document(app: FastAPI, examples: Examples, *, guarded: bool) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, and the bodies that we read ourselves."""
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    for name in ENGINES:
        engine = request_class(name).model_json_schema(ref_template=_SCHEMAS + "{model}")
        schemas |= engine.pop("$defs", {})
        schemas[name] = engine
    schema["components"] = {"schemas": schemas, "securitySchemes": {"token": _TOKEN}}
    body = request_body(examples)
    schema["paths"]["/api/jobs"]["post"]["requestBody"] = body
    schema["paths"]["/invocations"]["post"]["requestBody"] = body | {
        "content": body["content"] | {"application/jsonlines": {}}
    }
    for (method, path), responses in RESPONSES.items():
        operation = schema["paths"][path][method]
        operation["responses"] = responses
        if guarded and path != "/ping":
            operation["security"] = [{"token": []}]
    return schema


def request_body(examples: Examples) -> dict[str, Any]:
    """One request, as JSON or as a form."""
    requests = {"oneOf": [{"$ref": _SCHEMAS + name} for name in ENGINES]}
    form = {
        "type": "object",
        "description": "`request` holds the JSON; files are parts named like their field, as in `garments.upper`.",
        "properties": {"request": requests},
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    content = {"application/json": {"schema": requests, "examples": examples}, "multipart/form-data": {"schema": form}}
    return {"required": True, "content": content}
