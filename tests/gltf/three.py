"""What three.js says of GLB and VRM files, in a real browser."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

from tests.browser import browsing
from tests.gltf import HERE
from tests.npm import installed

_ORIGIN = "http://files.test"


def described(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Of each file its box, triangles, bones, clips, mean colour of the texture, and what a VRM says of itself.
    Skips the test without Node.js or Chromium."""
    installed(HERE)
    with browsing() as page:
        return [_described(page, file) for file in files]


def _described(page: Page, file: Path) -> dict[str, Any]:
    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(_ORIGIN)
        served = file if path == "/file" else HERE / path.lstrip("/")
        if served.is_file():
            kind = mimetypes.guess_type(served.name)[0] or "application/octet-stream"
            route.fulfill(body=served.read_bytes(), content_type=kind)
        else:
            route.fulfill(status=404)

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(f"{_ORIGIN}/three.html")
    page.wait_for_function("window.ready")
    found: dict[str, Any] = page.evaluate("described('/file')")
    return found
