"""`/docs`: a page that shows `/openapi.json` and sends its examples, which run as they stand.

The page and its scripts come from here, not from the internet: it works on a laptop in a train and in a closed network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from serve.openapi import Examples, document

_PAGE = Path(__file__).parent / "web/docs"
_SWAGGER_UI = Path(__file__).parent / "vendor/swagger-ui"

# Swagger UI sets styles of elements, draws icons from data: addresses, and shows answers as blob: ones.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app, examples(), guarded=guarded)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
