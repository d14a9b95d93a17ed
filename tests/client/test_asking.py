"""One request, and the answer at the end of its stream."""

from __future__ import annotations

import httpx
import pytest

from client.asking import RETRIES, invoke
from client.problems import Refused


def test_advice_to_try_again_is_followed_a_bounded_number_of_times() -> None:
    asked: list[httpx.Request] = []

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        problem = {"status": 429, "code": "overloaded", "detail": "busy", "retryable": True, "retry_after_s": 0.01}
        return httpx.Response(429, json=problem, headers={"content-type": "application/problem+json"})

    http = httpx.Client(base_url="http://busy", transport=httpx.MockTransport(busy))
    with http, pytest.raises(Refused, match="429 overloaded: busy"):
        invoke(http, {}, lambda *_: None)
    assert len(asked) == 1 + RETRIES
