"""`/docs` and `/openapi.json`: the request schemas of the engines, with examples that run as they stand.

The page's scripts come from a package, not from the internet: it works on a laptop in a train and in a closed network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from model.engines.registry import ENGINES, request_class
from serve.answers_described import RESPONSES

Examples = dict[str, Any]
_SCHEMAS = "#/components/schemas/"

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


def add_docs(app: FastAPI, examples: Callable[[], Examples]) -> None:
    """Serve `/docs`. `examples` (name -> OpenAPI example) is called when the document is first asked for."""
    app.mount("/docs/static", StaticFiles(directory=swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Atelier",
            swagger_js_url="/docs/static/swagger-ui-bundle.js",
            swagger_css_url="/docs/static/swagger-ui.css",
            swagger_favicon_url="/docs/static/favicon-32x32.png",
        )

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app, examples())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def document(app: FastAPI, examples: Examples) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, and the bodies that we read ourselves."""
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    for name in ENGINES:
        engine = request_class(name).model_json_schema(ref_template=_SCHEMAS + "{model}")
        schemas |= engine.pop("$defs", {})
        schemas[name] = engine
    schema["components"] = {"schemas": schemas}
    body = request_body(examples)
    schema["paths"]["/api/jobs"]["post"]["requestBody"] = body
    schema["paths"]["/invocations"]["post"]["requestBody"] = body | {
        "content": body["content"] | {"application/jsonlines": {}}
    }
    for (method, path), responses in RESPONSES.items():
        schema["paths"][path][method]["responses"] = responses
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
