"""Whatever is sent, the answer is a result or one small, typed problem."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.fuzz import Attempt, attempts, complaint, valid_tryon
from tests.server import Server

ATTEMPTS = 500


def test_no_request_gets_anything_but_a_result_or_a_small_typed_problem(server: Server) -> None:
    valid, logged_before = valid_tryon(), server.log.stat().st_size
    with httpx.Client(base_url=server.url, timeout=600) as client, ThreadPoolExecutor(8) as pool:

        def send(attempt: Attempt) -> str | None:
            response = client.post("/invocations", content=attempt.content, headers=attempt.headers)
            wrong = complaint(response)
            return wrong and f"{wrong}\nto {attempt.headers} {attempt.content[:2000]!r}"

        complaints = [wrong for wrong in pool.map(send, attempts(valid, seed=0, count=ATTEMPTS)) if wrong]
    assert complaints == []
    assert server.invoke(valid).status_code == 200
    assert b"Traceback" not in server.log.read_bytes()[logged_before:]
