"""Bodies as clients really send them: packed, announced, broken off, in forms and lines, over real sockets."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from serve.base64_text import decoded, plain_base64
from tests.serve.test_invocations import assert_problem
from tests.server import Server, eventually, serving

LIMIT = 100_000
HEAD_S = 0.5


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It takes small bodies only, and heads must come soon."""
    folder = tmp_path_factory.mktemp("small")
    with serving(folder, 180, MAX_BODY_BYTES=LIMIT, HEAD_S=HEAD_S, CORS_ORIGINS="https://shop.example") as server:
        yield server


def whole_answer(connection: socket.socket) -> bytes:
    """Head and body of one answer, which may come in several pieces."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(2**16)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(2**16)
    return head + body


def connect(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.settimeout(180)
    return connection


def post(server: Server, content: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post("/invocations", content=content, headers=named)


def probe(**fields: Any) -> bytes:
    return json.dumps({"type": "probe", **fields}).encode()


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
def test_a_body_that_is_announced_as_too_long_is_refused_before_it_is_sent(small: Server, expect: str) -> None:
    head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{expect}"
    with connect(small) as connection:
        connection.sendall(f"{head}Content-Length: {LIMIT + 1}\r\n\r\n".encode())
        answer = whole_answer(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"too_large" in answer


def test_a_body_as_long_as_allowed_is_read_also_where_the_client_waits_for_a_word(small: Server) -> None:
    content = probe(id="x" * 64).ljust(LIMIT)
    assert post(small, content, Expect="100-continue").status_code == 200
    assert_problem(post(small, content + b" "), 413, "too_large")


def test_gzip_is_unpacked(small: Server) -> None:
    assert post(small, gzip.compress(probe(seed=3)), Content_Encoding="gzip").json()["seed"] == 3
    two = gzip.compress(b'{"type": "probe", ', mtime=0) + gzip.compress(b'"seed": 4}')
    assert post(small, two, Content_Encoding="X-GZIP").json()["seed"] == 4
    assert post(small, probe(seed=5), Content_Encoding="identity").json()["seed"] == 5
    assert post(small, gzip.compress(probe(seed=6)), Content_Encoding="identity, gzip").json()["seed"] == 6
    assert post(small, probe(seed=7), Content_Type="").json()["seed"] == 7
    filled = gzip.compress(probe(seed=8)) + bytes(512)
    assert post(small, filled, Content_Encoding="gzip").json()["seed"] == 8


def test_gzip_is_unpacked_of_forms_lines_and_jobs(small: Server) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"type": "probe", "seed": 9}\r\n--b--\r\n'
    form = post(small, gzip.compress(part), Content_Type="multipart/form-data; boundary=b", Content_Encoding="gzip")
    assert form.json()["seed"] == 9
    lines = probe(seed=1) + b"\n" + probe(seed=2)
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/jsonlines"}
    response = small.client.post("/invocations", content=gzip.compress(lines), headers=packed)
    assert [json.loads(line)["seed"] for line in response.text.splitlines()] == [1, 2]
    packed["Content-Type"] = "application/json"
    assert small.client.post("/api/jobs", content=gzip.compress(probe()), headers=packed).status_code == 202


def test_a_bomb_is_refused(small: Server) -> None:
    bomb = gzip.compress(b" " * 50 * 10**6, mtime=0)
    assert len(bomb) < LIMIT
    assert_problem(post(small, bomb, Content_Encoding="gzip"), 413, "too_large")


@pytest.mark.parametrize(
    "content", [b"", b"plain", gzip.compress(probe(), mtime=0)[:-9], gzip.compress(probe(), mtime=0) + b"more"]
)
def test_what_is_no_whole_gzip_is_a_bad_request(small: Server, content: bytes) -> None:
    assert_problem(post(small, content, Content_Encoding="gzip"), 400, "bad_gzip")


def test_another_encoding_is_refused_by_name(small: Server) -> None:
    problem = assert_problem(post(small, b"?", Content_Encoding="br"), 415, "unsupported_media")
    assert "'br'" in problem["detail"]


@pytest.mark.parametrize(
    ("route", "head", "begun"),
    [
        ("/invocations", "Content-Type: application/json\r\nContent-Length: 9999", b"{"),
        ("/invocations", "Content-Type: application/jsonlines\r\nContent-Length: 9999", b"{}\n{"),
        ("/invocations", "Content-Type: application/json\r\nTransfer-Encoding: chunked", b"5\r\n{"),
        ("/invocations", "Content-Encoding: gzip\r\nContent-Length: 9999", b"\x1f\x8b\x08"),
        ("/invocations", "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999", b"--b\r\nContent-"),
        ("/api/jobs", "Content-Type: application/json\r\nContent-Length: 9999", b""),
    ],
    ids=["JSON", "lines", "chunks", "gzip", "form", "job"],
)
def test_a_client_that_hangs_up_while_it_sends_is_one_line_of_log(
    route: str, head: str, begun: bytes, small: Server
) -> None:
    before = small.log.read_text()
    with connect(small) as connection:
        connection.sendall(f"POST {route} HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone\r\n{head}\r\n\r\n".encode() + begun)

    def lines() -> list[dict[str, Any]]:
        told = [json.loads(line) for line in small.log.read_text()[len(before) :].splitlines()]
        return [line for line in told if line.get("request_id") == "gone"]

    eventually(lines)
    [line] = lines()
    assert (line["level"], line["status"]) == ("info", 499)


def test_a_head_that_does_not_end_is_cut_off(small: Server) -> None:
    with connect(small) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert connection.recv(100) == b""
    with connect(small) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /ping HT")
        assert connection.recv(100) == b""


def test_a_request_that_takes_longer_than_a_head_may_is_not_cut_off(small: Server) -> None:
    assert small.probe(steps_s=[2 * HEAD_S]).status_code == 200
    with connect(small) as connection:
        content = probe(seed=8)
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        connection.sendall(head + content[:10])
        small.probe(steps_s=[2 * HEAD_S])  # meanwhile
        connection.sendall(content[10:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_empty_parts_of_a_form_are_absent(small: Server, png: bytes) -> None:
    empty = {"picture": ("", b"", "application/octet-stream")}
    answer = small.client.post("/invocations", data={"type": "probe", "id": ""}, files=empty)
    assert answer.status_code == 200, answer.text


def test_objects_and_lists_in_a_form_are_json(small: Server) -> None:
    data = {"type": "probe", "output": '{"inline": true}', "steps_s": " [0.001, 0.002]"}
    assert small.client.post("/invocations", data=data, files={"seed": (None, "4")}).json()["seed"] == 4
    broken = small.client.post("/invocations", data=data | {"output": "{inline"}, files={"seed": (None, "4")})
    assert_problem(broken, 422, "invalid_field", "output")


def test_a_form_may_have_a_preamble(small: Server) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="request"\r\n\r\n{"type": "probe", "seed": 6}\r\n--b--\r\n'
    for content in (part, b"\r\n" + part, b"preamble\r\n" + part):
        response = post(small, content, Content_Type="multipart/form-data; boundary=b")
        assert response.status_code == 200, response.text


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonlines"])
def test_lines_of_json_have_two_names(small: Server, kind: str) -> None:
    response = post(small, probe(seed=1) + b"\n" + probe(seed=2), Content_Type=kind)
    assert [json.loads(line)["seed"] for line in response.text.splitlines()] == [1, 2]


@pytest.mark.parametrize("path", ["/ping", "/health", "/metrics", "/api/models", "/docs", "/openapi.json"])
def test_head_is_get_without_its_body(small: Server, path: str) -> None:
    got, head = small.client.get(path), small.client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers.get("content-type") == got.headers.get("content-type")


def test_head_of_a_job_and_of_its_stream_end_at_once(small: Server) -> None:
    body = {"type": "probe", "id": "head", "steps_s": [0.2] * 500}
    taken = small.client.post("/api/jobs", json=body).json()
    assert small.client.head(taken["url"]).status_code == 200
    stream = small.client.head(f"{taken['url']}/events")
    assert (stream.status_code, stream.content) == (200, b"")
    assert small.client.head("/invocations").status_code == 405
    assert small.client.delete(taken["url"]).status_code == 204


def test_a_page_of_a_named_origin_may_call_and_no_other(small: Server) -> None:
    named, stranger = {"Origin": "https://shop.example"}, {"Origin": "https://other.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = small.client.options("/invocations", headers=named | asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    answer = small.client.post("/invocations", json={"type": "nothing"}, headers=named)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert small.client.options("/invocations", headers=stranger | asked).status_code == 400
    assert "access-control-allow-origin" not in small.client.get("/health", headers=stranger).headers


def test_without_the_setting_no_page_may_call(server: Server) -> None:
    answer = server.client.get("/health", headers={"Origin": "https://shop.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_event_streams_have_ids_and_an_end_after_which_nobody_comes_back(small: Server) -> None:
    url = small.client.post("/api/jobs", json={"type": "probe", "id": "listened", "steps_s": [0.05] * 4}).json()["url"]
    sse = {"Accept": "text/event-stream"}
    blocks = small.client.get(f"{url}/events", headers=sse).text.strip().split("\n\n")
    lines = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    assert [line["id"] for line in lines] == [*map(str, range(1, len(lines) - 1)), "answer", "end"]
    assert {line["retry"] for line in lines[:-1]} == {"2000"}
    assert [line["event"] for line in lines[-2:]] == ["answer", "end"]
    for heard, status in (("answer", 204), ("end", 204), ("1", 200)):
        again = small.client.get(f"{url}/events", headers=sse | {"Last-Event-ID": heard})
        assert (again.status_code, bool(again.content)) == (status, status == 200)


@pytest.mark.parametrize("dress", ["lines", "bare", "url", "percent", "blanks"])
def test_base64_is_read_however_it_is_written(dress: str) -> None:
    content = bytes(range(256)) * 3 + b"!"
    text = base64.b64encode(content).decode()
    written = {
        "lines": "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)),
        "bare": text.rstrip("="),
        "url": base64.urlsafe_b64encode(content).decode(),
        "percent": text.replace("=", "%3D").replace("+", "%2B").replace("/", "%2F"),
        "blanks": f"  {text}\n",
    }[dress]
    assert decoded(plain_base64(written)) == content


def test_pluses_that_became_blanks_are_pluses_again() -> None:
    content = bytes(range(256)) * 2 + b"\xfb\xef\xbe" * 2
    text = base64.b64encode(content).decode()
    assert text.count("+") > 5
    for line in (len(text), 60, 76):  # also where line breaks came to be no blanks
        lines = "\n".join(text[i : i + line] for i in range(0, len(text), line))
        assert decoded(plain_base64(lines.replace("+", " "))) == content
    breaks = " ".join(text[i : i + 64] for i in range(0, len(text), 64))
    assert decoded(plain_base64(breaks)) == content
    assert decoded(plain_base64("\ufeff" + text)) == content


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA=A", "A*AA", "ÄAAA"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - binascii's, whose words differ
        decoded(plain_base64(text))


@pytest.mark.parametrize("prefix", ["data:image/png;base64,", "DATA:image/png;BASE64,", " Data:;base64,", ""])
def test_schemes_are_read_in_any_case(small: Server, picture: str, prefix: str) -> None:
    assert small.probe(picture=prefix + picture.rstrip("=")).status_code == 200


def test_a_form_with_an_odd_scheme_is_told_what_to_send(small: Server) -> None:
    problem = assert_problem(small.probe(picture="HTTP://example.com/a.png"), 422, "bad_url", "picture")
    assert "https://" in problem["detail"]
