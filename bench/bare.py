"""The plainest service there could be: JSON in, JSON out. What Atelier's front is measured against."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.server import ROOT, free_port

_START_S = 30

app = FastAPI()


@app.post("/invocations")
async def invocations(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"type": body["type"], "state": "done", "outputs": []})


@contextlib.contextmanager
def bare_app() -> Iterator[str]:
    """Run the app in a process of its own; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen([*command, "--no-access-log"], cwd=ROOT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/openapi.json")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url).raise_for_status()
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer in {_START_S} s")
