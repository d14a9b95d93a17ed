"""A real browser for tests: Debian's Chromium without a window, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

# Nothing of its own goes to the network: what is asked for is what the page asks for.
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
_WAIT_MS = 180_000


@contextmanager
def browsing() -> Iterator[Page]:
    """An empty page with a profile of its own. Skips the test where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS, timeout=_WAIT_MS)
        page = browser.new_page()
        page.set_default_timeout(_WAIT_MS)
        try:
            yield page
        finally:
            browser.close()
