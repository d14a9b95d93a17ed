"""A real browser for tests: Debian's Chromium without a window, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Nothing of its own goes to the network: what is asked for is what the page asks for.
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # 3D without a card
]
_WAIT_MS = 180_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Skips the test where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS, timeout=_WAIT_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """An empty page with a profile of its own. `options`: of Playwright's `new_page`, as the size of the window."""
    page = browser.new_page(**options)
    page.set_default_timeout(_WAIT_MS)
    try:
        yield page
    finally:
        page.close()


@contextmanager
def browsing(**options: Any) -> Iterator[Page]:
    """A page in a browser of its own."""
    with chromium() as browser, new_page(browser, **options) as page:
        yield page
