"""A server for the time of a `with`: what the command-line client starts when it is given no address."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

_START_TIMEOUT_S, _STOP_TIMEOUT_S = 600.0, 40.0  # a busy laptop loads for minutes; the server drains for 25 s
_PING_EVERY_S = 0.1  # until it answers


class NoServer(Exception):  # noqa: N818 - what is missing
    """No server could be started."""


@contextlib.contextmanager
def local_server(model_dir: str, say: Callable[[str], None]) -> Iterator[str]:
    """Run `python -m container serve` on a free port of this machine; yields its address once it is ready.

    Args:
        model_dir: a folder of checkpoints, or `demo`.
        say: told, in a line each, what is going on.

    Raises:
        NoServer: it ended, or took too long, before it was ready.
    """
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        port, log = free_port(), Path(folder, "server.log")
        say(f"starting a server (MODEL_DIR={model_dir}) ...")
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "container", "serve"],
                cwd=Path(__file__).parents[1],
                env={**os.environ, **environment(model_dir, port, Path(folder, "spool"))},
                stdout=sink,
                stderr=sink,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            seconds = wait_until_ready(process, url, log)
            say(f"ready after {seconds:.1f} s")
            yield url
        finally:
            stop(process)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def environment(model_dir: str, port: int, spool: Path) -> dict[str, str]:
    return {
        "HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SPOOL_DIR": str(spool),
        "MODEL_DIR": model_dir if model_dir == "demo" else str(Path(model_dir).resolve()),
        **({"ENGINES": "tryon,avatar,outfit"} if model_dir == "demo" else {}),  # the untrained too
        "MAX_INLINE_BYTES": "0",  # the answers go no farther than this machine
        "LOG_FORMAT": "text",
    }


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> float:
    """Seconds until `/ping` answered 200."""
    began = time.monotonic()
    while time.monotonic() - began < _START_TIMEOUT_S:
        if process.poll() is not None:
            raise NoServer(f"the server ended with status {process.returncode}: {last_logged(log)}")
        # A proxy of the environment is for the world, not for this machine.
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ping", timeout=5, trust_env=False).status_code == 200:
                return time.monotonic() - began
        time.sleep(_PING_EVERY_S)
    raise NoServer(f"the server was not ready after {_START_TIMEOUT_S:.0f} s")


def last_logged(log: Path) -> str:
    """Why it ended: its last critical line, or the last of all."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or ["it said nothing"]
    critical = [line.partition("CRITICAL ")[2] for line in lines if "CRITICAL " in line]
    return (critical or lines)[-1]


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
