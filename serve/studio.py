"""The studio: a page at `/` that dresses people by the routes everybody else uses.

It is plain files from `serve/web/studio`, needs no other host, and knows of engines only what `/api/models` says.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_PAGE = Path(__file__).parent / "web/studio"
_THREE = Path(__file__).parent / "vendor/three"

# Pictures that were chosen or made are blob: addresses; the viewer fetches the textures of an avatar from such.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Files(StaticFiles):
    """Asked for anew after an update: modules of two versions do not fit together."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_studio(app: FastAPI) -> None:
    """Serve what the page loads."""
    app.mount("/studio/three", _Files(directory=_THREE))
    app.mount("/studio", _Files(directory=_PAGE))


def studio_page() -> Response:
    return FileResponse(_PAGE / "index.html", headers=_HEADERS)
