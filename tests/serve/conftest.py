"""A server that answers the clients of all earlier services, for the tests of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Server, serving

TOKEN = "everybodys-token"


@pytest.fixture(scope="session")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It knows who asks, and gives its built-in try-ons."""
    settings = {"ENGINES": "tryon", "CLIENTS": "omoib,fal,fashn", "API_TOKEN": TOKEN}
    with serving(tmp_path_factory.mktemp("everybody"), **settings) as server:
        server.client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield server
