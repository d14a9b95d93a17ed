"""`Accept`, by RFC 9110: what clients really send, and what they then get."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from model.samples.samples import small_sample
from serve.accept import Accept
from tests.conftest import base64_of
from tests.serve.test_invocations import assert_problem
from tests.server import Server

JSON, PNG, JPEG, WEBP = "application/json", "image/png", "image/jpeg", "image/webp"
NDJSON, SSE = "application/x-ndjson", "text/event-stream"
OFFERS = [JSON, PNG, JPEG, WEBP, NDJSON, SSE]


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("image/*", PNG),
        ("IMAGE/JPEG", JPEG),
        ("image/jpg", JPEG),
        ("image/png, application/json", PNG),
        ("application/json, image/png", JSON),
        ("image/png;q=0.5, application/json", JSON),
        ("image/png ; q=0.5 , image/webp ; Q=0.8", WEBP),
        ("image/*;q=0.1, image/webp;q=0.2", WEBP),
        ("image/png;q=0, image/*", JPEG),
        ("image/*, image/png;q=0.5", JPEG),
        ("*/*;q=0.5, application/json;q=0", PNG),
        ("*/*, image/png;q=0", JSON),
        ("text/html, application/xhtml+xml, image/avif, image/webp, */*;q=0.8", WEBP),
        ('text/html;title="a, image/png", image/jpeg', JPEG),
        ("image/jpeg;quality=1;q=0.4, image/webp;q=.5", WEBP),
        ("application/json; charset=utf-8", JSON),
        ("text/event-stream, application/x-ndjson", SSE),
        ("text/*", SSE),
        (", ,image/png,,", PNG),
        ("image/png;q=7", PNG),
        ("image/gif", None),
        ("image/png;q=0", None),
        ("*/*;q=0", None),
        ("nonsense", None),
    ],
)
def test_the_most_welcome_of_what_there_is(header: str, best: str | None) -> None:
    assert Accept.parse([header]).best(OFFERS) == best


def test_several_lines_are_one_list() -> None:
    assert Accept.parse(["image/png;q=0.3", "application/json;q=0.2", "image/webp;q=0.9"]).best(OFFERS) == WEBP


@pytest.fixture(scope="module")
def tryon() -> dict[str, Any]:
    pictures = {field: base64_of(file.read_bytes()) for field, file in small_sample().items()}
    return {"type": "tryon", **pictures, "width": 64, "height": 64, "steps": 1, "seed": 3}


def ask(server: Server, body: dict[str, Any], *accept: str) -> httpx.Response:
    headers = [("Accept", line) for line in accept]
    request = httpx.Request("POST", f"{server.url}/invocations", json=body, headers=headers)
    return server.client.send(request)  # as it is: a client's own methods add an `Accept: */*`


@pytest.mark.parametrize(
    ("format", "accept", "kind"),
    [
        (None, [], JSON),
        (None, ["image/png;q=0.1", "image/jpeg;q=0.2"], JPEG),
        ("webp", ["image/png, image/webp"], WEBP),
        ("webp", ["image/*"], WEBP),
        ("webp", ["image/png, application/json;q=0.1"], JSON),
    ],
)
def test_the_body_and_the_header_agree_on_an_answer(
    server: Server, tryon: dict[str, Any], format: str | None, accept: list[str], kind: str
) -> None:
    response = ask(server, tryon | ({"output": {"format": format}} if format else {}), *accept)
    assert response.headers["content-type"] == kind
    if kind == JSON:
        assert response.json()["outputs"][0]["content_type"] == f"image/{format or 'png'}"


@pytest.mark.parametrize("accept", ["image/gif", "model/gltf-binary", "text/html", "*/*;q=0", "image/*;q=0"])
def test_what_cannot_be_made_is_refused_with_what_can(server: Server, tryon: dict[str, Any], accept: str) -> None:
    problem = assert_problem(ask(server, tryon, accept), 422, "bad_accept")
    assert "image/webp" in problem["detail"]


def test_a_jobs_events_are_lines_or_server_sent_and_nothing_else(server: Server) -> None:
    url = server.client.post("/api/jobs", json={"type": "probe", "id": "accepting"}).json()["url"] + "/events"
    for accept, kind in ((SSE, SSE), ("*/*", NDJSON), (f"{NDJSON};q=0.2, {SSE};q=0.3", SSE)):
        response = server.client.get(url, headers={"Accept": accept})
        assert response.headers["content-type"].split(";")[0] == kind
    assert_problem(server.client.get(url, headers={"Accept": "image/png"}), 422, "bad_accept")
