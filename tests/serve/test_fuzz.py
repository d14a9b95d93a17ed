"""Whatever is sent, the answer is a result or one small, typed problem."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.conftest import base64_of, encode
from tests.fuzz import Attempt, attempts, complaint
from tests.server import Server

ATTEMPTS = 500


@pytest.fixture(scope="module")
def valid() -> dict[str, Any]:
    person = Image.linear_gradient("L").resize((48, 64)).convert("RGB")
    mask = Image.new("L", person.size)
    mask.paste(255, (10, 10, 30, 40))
    return {
        "type": "tryon",
        "person": base64_of(encode(person)),
        "garment": base64_of(encode(Image.new("RGB", (20, 30), "red"))),
        "mask": base64_of(encode(mask)),
        "width": 64,
        "height": 64,
        "steps": 1,
        "guidance": 1.0,
        "eta": 0.0,
        "samples": 1,
        "seed": 1,
        "repaint": False,
    }


def test_no_request_gets_anything_but_a_result_or_a_small_typed_problem(server: Server, valid: dict[str, Any]) -> None:
    logged_before = server.log.stat().st_size
    with httpx.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(8) as pool:

        def send(attempt: Attempt) -> str | None:
            response = client.post("/invocations", content=attempt.content, headers=attempt.headers)
            wrong = complaint(response)
            return wrong and f"{wrong}\nto {attempt.headers} {attempt.content[:2000]!r}"

        complaints = [wrong for wrong in pool.map(send, attempts(valid, seed=0, count=ATTEMPTS)) if wrong]
    assert complaints == []
    assert server.invoke(valid).status_code == 200
    assert b"Traceback" not in server.log.read_bytes()[logged_before:]
