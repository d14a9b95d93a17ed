"""What every answer carries, also one that nobody foresaw."""

from __future__ import annotations

import asyncio
import errno

import httpx
import pytest
from fastapi import FastAPI

from serve.metrics import Metrics
from serve.middleware import Bookkeeping
from serve.tracing import Tracing
from tests.serve.test_invocations import assert_problem

HEADERS = {"X-Request-Id": "find-me", "X-Amzn-SageMaker-Custom-Attributes": "trace=42"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(ValueError("a secret of /etc/passwd"), 500, "internal"), (OSError(errno.ENOSPC, "full"), 503, "disk_full")],
)
def test_what_nobody_foresaw_carries_the_same_headers(error: Exception, status: int, code: str) -> None:
    app = FastAPI()
    app.add_middleware(Bookkeeping, metrics=Metrics(), tracing=Tracing())

    @app.get("/fails")
    async def fail() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/fails", headers=HEADERS)

    response = asyncio.run(ask())
    assert_problem(response, status, code)
    assert response.headers["x-request-id"] == "find-me"
    assert response.headers["x-amzn-sagemaker-custom-attributes"] == "trace=42"
    assert "passwd" not in response.text
