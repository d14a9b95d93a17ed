"""A real server process on a real socket, for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT.parent / "shared" / "golden"
_START_S = 600  # a machine may be ten times slower than ours, and busy
# So that only what a test is about can run out: it sets that limit itself.
_LIMITS = ("DEADLINE", "STREAM_DEADLINE", "HEAD", "FETCH", "FETCH_SILENCE", "S3_SILENCE", "STALL")
_TIME = {f"{name}_S": 600 for name in _LIMITS}
# The exception is pytest's, see pyproject.toml.
_WARNINGS = "error,ignore:User provided device_type"


class Server:
    """A started front with its workers. `url` is where it listens."""

    def __init__(self, folder: Path, module: str = "tests.probe", **settings: Any) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._module = module
        ours: dict[str, Any] = {
            "MODEL_DIR": "demo",
            "ENGINES": "probe",
            "SPOOL_DIR": self.spool,
            "SAGEMAKER_BIND_TO_PORT": self.port,
            "OMP_NUM_THREADS": 1,
            "PYTHONWARNINGS": _WARNINGS,
        }
        self._settings = _TIME | ours | settings
        self.process = self._start()
        self.client = httpx.Client(base_url=self.url, timeout=600)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OUTPUT_"))}
        environment |= {name: str(value) for name, value in self._settings.items()}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self._module, "serve"], cwd=ROOT, env=environment, stderr=log
            )

    def wait_ready(self, within_s: float = _START_S) -> Server:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            try:
                if self.client.get("/ping").status_code == httpx.codes.OK:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"not ready in {within_s} s: {self.log.read_text()[-2000:]}")

    def restart(self) -> Server:
        """Start again on the same spool and port, after the process has ended."""
        self.process = self._start()
        return self.wait_ready()

    def invoke(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/invocations", json=body, headers=named)

    def probe(self, **fields: Any) -> httpx.Response:
        return self.invoke({"type": "probe", **fields})

    def workers(self) -> list[psutil.Process]:
        """Its worker processes, oldest first."""
        return workers_of(self.process.pid)

    def jobs(self) -> list[Path]:
        """The job directories in the spool."""
        return [path for path in self.spool.iterdir() if path.is_dir()]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, as a platform stops it; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=600)

    def close(self) -> None:
        self.client.close()
        self.stop()


@contextmanager
def serving(folder: Path, within_s: float = _START_S, /, **settings: Any) -> Iterator[Server]:
    """A server that is ready, and stopped in the end."""
    server = Server(folder, **settings)
    try:
        yield server.wait_ready(within_s)
    finally:
        server.close()


def workers_of(front: int) -> list[psutil.Process]:
    """The worker processes of a front, oldest first."""
    alive = [child for child in psutil.Process(front).children() if child.status() != psutil.STATUS_ZOMBIE]
    return sorted((child for child in alive if "worker" in child.cmdline()), key=lambda child: child.pid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(condition: Any, within_s: float = 600.0) -> None:
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(0.02)
