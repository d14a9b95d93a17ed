"""`/docs` in a real browser: it shows the routes, sends a request, and shows the picture that comes back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import browsing
from tests.serve.test_token import TOKEN
from tests.server import ROOT, Server, serving

SWAGGER_UI = ROOT / "serve/vendor/swagger-ui"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The built-in pack behind a token."""
    with serving(tmp_path_factory.mktemp("guarded"), 180, ENGINES="tryon", API_TOKEN=TOKEN) as server:
        yield server


@pytest.fixture
def page() -> Iterator[Page]:
    with browsing() as page:
        yield page


def try_on(page: Page, media_type: str) -> None:
    """Send the first example as it stands."""
    operation = page.locator(".opblock", has_text="/invocations")
    operation.locator(".opblock-summary-control").click()
    operation.locator(".response-control-media-type--accept-controller select").select_option(media_type)
    operation.locator("button.execute").click()


def test_a_request_sent_from_the_page_comes_back_as_a_picture(guarded: Server, page: Page) -> None:
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{guarded.url}/docs")
    page.locator("button.authorize").click()
    page.locator(".auth-container input").fill(TOKEN)
    page.locator(".auth-btn-wrapper button.authorize").click()
    page.locator(".auth-btn-wrapper button.btn-done").click()
    try_on(page, "image/png")

    picture = page.locator(".live-responses-table img")
    expect(picture).to_be_visible(timeout=180_000)
    page.wait_for_function("document.querySelector('.live-responses-table img').complete")
    assert picture.evaluate("picture => [picture.naturalWidth, picture.naturalHeight]") == [96, 128]
    assert faults == []
    assert {url for url in asked if not url.startswith((guarded.url, "blob:", "data:"))} == set()


def test_without_the_token_the_page_opens_and_its_request_is_refused(guarded: Server, page: Page) -> None:
    page.goto(f"{guarded.url}/docs")
    try_on(page, "application/json")
    expect(page.locator(".live-responses-table")).to_contain_text("unauthorized", timeout=180_000)


def test_the_page_may_load_and_ask_nothing_but_this_service(server: Server) -> None:
    policy = server.client.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy


def test_swagger_ui_is_the_version_it_is_said_to_be() -> None:
    named = dict(
        reversed(line) for line in re.findall(r"^(\w{64})  (\S+)$", (SWAGGER_UI / "README.md").read_text(), re.M)
    )
    assert named == {name: hashlib.sha256((SWAGGER_UI / name).read_bytes()).hexdigest() for name in named}
    assert {"swagger-ui-bundle.js", "swagger-ui.css"} <= named.keys()
    assert "Apache License" in (SWAGGER_UI / "LICENSE").read_text()
