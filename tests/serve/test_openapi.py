"""The OpenAPI document says what the service does: Schemathesis asks every route and compares."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve.answers_described import RESPONSES
from tests.server import Server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without the probe: nobody but a test would ask for it."""
    server = Server(tmp_path_factory.mktemp("plain"), module="container", ENGINES="")
    try:
        yield server.wait_ready()
    finally:
        server.close()


def test_every_route_describes_its_answers(plain: Server) -> None:
    paths = plain.client.get("/openapi.json").json()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == RESPONSES.keys()


def test_schemathesis_finds_nothing_to_complain_about(plain: Server, tmp_path: Path) -> None:
    st = Path(sys.executable).with_name("st")
    options = ["--seed", "1", "--max-examples", "15", "--checks", ",".join(CHECKS), "--phases", "fuzzing"]
    options += ["--continue-on-failure", "--request-timeout", "30", "--no-color"]
    ran = subprocess.run(
        [st, "run", f"{plain.url}/openapi.json", *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr
    assert "Traceback" not in plain.log.read_text()
