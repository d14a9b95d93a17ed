"""`application/jsonlines`: as many answers as requests, in their order, whatever happens to one of them."""

from __future__ import annotations

import concurrent.futures
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.batch import execution_parameters
from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import metric
from tests.server import Server, eventually, serving


def send(server: Server, content: bytes, kind: str = "application/jsonlines") -> httpx.Response:
    return server.client.post("/invocations", content=content, headers={"Content-Type": kind})


def lines_of(*requests: Any) -> bytes:
    return b"".join(json.dumps(request).encode() + b"\n" for request in requests)


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/jsonlines"
    assert int(response.headers["content-length"]) == len(response.content)
    return [json.loads(line) for line in response.content.splitlines()]


def probe(**fields: Any) -> dict[str, Any]:
    return {"type": "probe", **fields}


@pytest.mark.parametrize("kind", ["application/jsonlines", "application/x-jsonlines", "application/json-lines; q=1"])
def test_answers_have_the_order_of_their_requests(server: Server, kind: str) -> None:
    requests = [probe(seed=seed, steps_s=[0.02 * (10 - seed)]) for seed in range(10)]
    assert [answer["seed"] for answer in answers(send(server, lines_of(*requests), kind))] == list(range(10))


def test_a_byte_order_mark_and_odd_line_ends_within_values_do_no_harm(server: Server) -> None:
    odd = "\u2028\u2029\u0085\v\f"
    lines = [json.dumps(probe(id=f"mark-{i}", picture=f"s3://b/a{odd}b"), ensure_ascii=False) for i in range(2)]
    shown = answers(send(server, "\ufeff".encode() + "\r\n".join(lines).encode() + b"\r\n"))
    assert [answer["id"] for answer in shown] == ["mark-0", "mark-1"]
    assert {answer["problem"]["code"] for answer in shown} == {"input_unavailable"}


def test_lines_are_computed_together(server: Server) -> None:
    def shared() -> float:
        return sum(metric(server, f'atelier_forwards_total{{rows="{rows}"}}') for rows in range(2, 9))

    before = shared()
    assert len(answers(send(server, lines_of(*[probe(steps_s=[0.5])] * 8)))) == 8
    eventually(lambda: shared() > before)  # the worker tells every second


def test_as_many_lines_are_taken_up_as_all_workers_together_have_room_for(tmp_path: Path) -> None:
    with serving(tmp_path, WORKERS=2, MAX_LIVE_JOBS=1) as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        eventually(lambda: metric(server, "atelier_workers_ready") == 2)
        running = pool.submit(send, server, lines_of(*[probe(unforeseen_s=[-1], gate=str(tmp_path / "open"))] * 3))
        eventually(lambda: metric(server, "atelier_jobs_live") == 2)
        (tmp_path / "open").touch()
        assert len(answers(running.result())) == 3


def test_a_line_that_fails_says_so_in_its_place_and_fails_nothing_else(server: Server) -> None:
    body = b"\n".join(
        [
            json.dumps(probe(seed=0)).encode(),
            b"{",
            b"",
            json.dumps(probe(id="bad-field", seed=-1)).encode(),
            json.dumps(probe(then="bug")).encode(),
            b"[1]",
            b"\xff",
            json.dumps(probe(seed=7)).encode() + b"\r",
        ]
    )
    shown = answers(send(server, body))
    assert [answer["state"] for answer in shown] == ["done", *["failed"] * 6, "done"]
    codes = [answer["problem"]["code"] for answer in shown if answer["state"] == "failed"]
    assert codes == ["bad_json", "bad_json", "invalid_field", "internal", "bad_json", "bad_json"]
    assert (shown[3]["id"], shown[3]["problem"]["field"]) == ("bad-field", "seed")
    assert (shown[0]["seed"], shown[7]["seed"]) == (0, 7)


@pytest.mark.parametrize(("body", "count"), [(b"", 0), (b"\n", 1), (b"{}", 1), (b"{}\n", 1), (b"{}\n\n", 2)])
def test_a_newline_ends_a_line_and_begins_none(server: Server, body: bytes, count: int) -> None:
    assert len(answers(send(server, body))) == count


def test_results_of_a_batch_are_stored_like_any(s3_server: Server) -> None:
    [one, two] = answers(send(s3_server, lines_of(probe(id="batch-1"), probe(id="batch-2"))))
    assert one["outputs"][0]["uri"].endswith("/out/batch-1/result.txt")
    assert two["outputs"][0]["uri"].endswith("/out/batch-2/result.txt")


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"JOB_DEADLINE_S": 2, "MAX_LIVE_JOBS": 2, "OVERLOAD": "wait"}
    with serving(tmp_path_factory.mktemp("waiting"), **settings) as running:
        yield running


def test_a_file_has_a_deadline_and_so_has_a_line(waiting: Server) -> None:
    hurried = probe(unforeseen_s=[0.1] * 10_000, deadline_s=0.3)
    endless = probe(unforeseen_s=[0.1] * 10_000)
    shown = answers(send(waiting, lines_of(hurried, endless, endless, endless)))
    assert [answer["problem"]["code"] for answer in shown] == ["deadline"] * 4
    assert "0.3 s" in shown[0]["problem"]["detail"]
    eventually(lambda: metric(waiting, "atelier_jobs_live") == 0)


def test_overload_may_be_told_to_wait_instead(waiting: Server) -> None:
    waiting.probe(steps_s=[0.2])
    assert_problem(waiting.probe(steps_s=[1.0], deadline_s=0.5), 504, "deadline")


def test_a_client_that_hangs_up_stops_all_lines(server: Server) -> None:
    body = lines_of(*[probe(unforeseen_s=[0.1] * 100)] * 20)
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonlines\r\nContent-Length: {len(body)}"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"\r\nContent-Type: application/jsonlines\r\n\r\n" + body)
        eventually(lambda: metric(server, "atelier_jobs_live") == 8)
    eventually(lambda: metric(server, "atelier_jobs_live") == 0)


@pytest.mark.parametrize(
    ("max_body_bytes", "max_live_jobs", "concurrent", "megabytes"),
    [(32 * 10**6, 8, 3, 30), (5 * 2**20, 4, 4, 5), (10**9, 8, 1, 100), (1000, 200, 100, 1)],
)
def test_the_platform_is_told_no_more_than_it_allows_and_we_take(
    max_body_bytes: int, max_live_jobs: int, concurrent: int, megabytes: int
) -> None:
    told = execution_parameters(max_body_bytes, max_live_jobs)
    assert told == {
        "MaxConcurrentTransforms": concurrent,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": megabytes,
    }
    assert concurrent * megabytes <= 100


def test_the_platform_may_ask_how_to_send(server: Server) -> None:
    assert server.client.get("/execution-parameters").json() == execution_parameters(32 * 10**6, 8)
