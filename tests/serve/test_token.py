"""`API_TOKEN`: all or nothing, and never shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from client.command_line import main
from tests.serve.test_invocations import assert_problem
from tests.server import Server, serving

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("guarded"), API_TOKEN=TOKEN) as server:
        yield server


def test_every_route_but_ping_and_the_docs_needs_the_token(guarded: Server) -> None:
    for route in (
        "/ping",
        "/livez",
        "/docs",
        "/openapi.json",
        "/docs/static/docs.js",
        "/docs/swagger-ui/swagger-ui.css",
    ):
        assert guarded.client.get(route).status_code == 200
    paths = guarded.client.get("/openapi.json").json()["paths"]
    operations = [
        (method, path) for path, methods in paths.items() for method in methods if path not in ("/ping", "/livez")
    ]
    assert {("delete", "/api/jobs/{job_id}"), ("post", "/invocations")} < set(operations)
    for method, path in [*operations, ("get", "/docsx"), ("get", "/docs/../metrics"), ("get", "/no/such/route")]:
        response = guarded.client.request(method, path)
        assert_problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "header", ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ü"]
)
def test_anything_else_than_the_token_is_not_the_token(guarded: Server, header: str) -> None:
    response = guarded.client.post(
        "/invocations", json={"type": "probe"}, headers=[(b"Authorization", header.encode("latin-1"))]
    )
    assert_problem(response, 401, "unauthorized")


def test_with_the_token_everything_is_as_usual(guarded: Server) -> None:
    assert guarded.invoke({"type": "probe"}, **bearer(TOKEN)).status_code == 200
    assert guarded.invoke({"type": "probe"}, Authorization=f"bearer {TOKEN}").status_code == 200


def test_the_token_is_in_no_log(guarded: Server) -> None:
    guarded.invoke({"type": "probe"}, **bearer(TOKEN))
    guarded.invoke({"type": "probe"}, **bearer(TOKEN + "x"))
    log = guarded.log.read_text()
    assert '"api_token": "**********"' in log
    assert TOKEN not in log


def test_the_command_line_client_takes_it_from_its_environment(
    guarded: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--url", guarded.url]) == 1
    assert "unauthorized" in capsys.readouterr().err
    monkeypatch.setenv("API_TOKEN", TOKEN)
    assert main(["models", "--url", guarded.url]) == 0
