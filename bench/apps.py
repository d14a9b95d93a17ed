"""Apps in processes of their own, for Atelier to be measured against."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from tests.server import ROOT, free_port

START_S = 600  # with weights of 4 GB and all that is made ready before the first request


@dataclass(frozen=True)
class App:
    """Where it listens and what it is."""

    url: str
    pid: int


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """What every server that is measured is told."""
    parser.add_argument("--model-dir", default="demo")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto")
    threads = len(os.sched_getaffinity(0))  # which is what a server takes unasked
    parser.add_argument("--threads", type=int, default=threads, help="OMP_NUM_THREADS of each server")


def server_settings(options: argparse.Namespace) -> dict[str, str]:
    """The same as settings of ours, and of plain ones."""
    return {
        "MODEL_DIR": options.model_dir,
        "DEVICE": options.device,
        "DTYPE": options.dtype,
        "OMP_NUM_THREADS": str(options.threads),
    }


@contextlib.contextmanager
def serving_app(factory: str, environment: Mapping[str, str] | None = None) -> Iterator[App]:
    """Run the ASGI app that `module:function` makes under uvicorn until the end of the block."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen([*command, "--no-access-log"], cwd=ROOT, env={**os.environ, **(environment or {})})
    try:
        wait_until_up(f"http://127.0.0.1:{port}/openapi.json")
        yield App(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url).raise_for_status()
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer in {START_S} s")
