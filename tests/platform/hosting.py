"""One container as SageMaker hosts it: started, pinged, asked, stopped, and held to the contract.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html says what a container must do. It
does not say how often the platform pings, how many misses make it replace an instance, or whether a connection is
closed when its time is up: these are parameters here.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.platform.exchange import Answer, Exchange, NoAnswer, TimedOut
from tests.platform.isolation import Confinement, Door, Unsupported, unsupported
from tests.platform.processes import Stopped, end, machine_environment
from tests.platform.wire import CONNECT_S, STREAMS, Wire
from tests.server import ROOT, free_port, workers_of

__all__ = ["Answer", "Instance", "NoAnswer", "Ping", "Stopped", "TimedOut", "Unhealthy", "Unsupported"]

PING_S, KILL_AFTER_S = 2.0, 30.0

_DEMO = ROOT / "model" / "demo_pack" / "data"


class Unhealthy(Exception):  # noqa: N818 - the word of the platform
    """The container was not ready within its start-up window, or has ended."""


@dataclass(frozen=True)
class Ping:
    """One health check. `status` is None when there was no answer in time."""

    status: int | None
    seconds: float


class Instance:
    """One container as SageMaker runs it: `serve`, a port by SAGEMAKER_BIND_TO_PORT, pinged with a limit of 2 s.

    `violations` says, in a sentence each, where the container broke the contract: end tests with
    `assert not instance.violations`. `not_played` says what of the platform this machine cannot play.

    Args:
        folder: for the log and the spool.
        model_dir: the folder of weights, or `demo`. It cannot be written to.
        environment: the model's, as `create_model` would be given it; credentials of a role too.
        command: what starts it; default: this checkout's server. The environment is that of this command, and it has to
            see to read-only folders and the network itself.
        port: where it has to listen; default: a free one.
        startup_window_s: it must answer a ping by then.
        ping_every_s: from ping to ping.
        unhealthy_after: so many misses in a row are a violation.
        drop_late: close the connection of a request whose time is up. Whether the platform does is not documented.
        kill_after_s: from SIGTERM to SIGKILL.
        isolated: no network and no credentials, as with `EnableNetworkIsolation`.
        read_only_root: nothing can be written but below `folder`, where TMPDIR is then.
        patience: so many times the platform's time is taken for pings, connections and the end: a busy machine in a
            suite of tests is no fault of the container.

    Raises:
        Unsupported: this machine can neither isolate nor make all read-only.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model_dir: Path | str = "demo",
        environment: Mapping[str, str] = {},
        command: Sequence[str] | None = None,
        port: int | None = None,
        startup_window_s: float = 480,
        ping_every_s: float = 5,
        unhealthy_after: int = 3,
        drop_late: bool = False,
        kill_after_s: float = KILL_AFTER_S,
        isolated: bool = False,
        read_only_root: bool = False,
        patience: float = 1,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "container.log"
        self.violations: list[str] = []
        self.pings: list[Ping] = []
        self.not_played: list[str] = []
        self.environment = machine_environment() | {
            "HOME": str(folder),
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "MODEL_DIR": str(model_dir),
            "SPOOL_DIR": str(folder / "spool"),
            **environment,
        }
        if isolated:
            self.environment = {name: value for name, value in self.environment.items() if not name.startswith("AWS_")}
        if read_only_root:
            self.environment["TMPDIR"] = str(folder)
        self._isolated = isolated
        self._command = [*(command or (sys.executable, "-m", "container", "serve"))]
        if command is None:
            weights = _DEMO if model_dir == "demo" else Path(model_dir)
            self._confine(
                Confinement(
                    network=not isolated,
                    read_only=[Path("/")] if read_only_root else [weights],
                    writable=[folder] if read_only_root else [],
                ),
                insisted_on=isolated or read_only_root,
            )
        self._startup_window_s = startup_window_s
        self._ping_every_s = ping_every_s
        self._unhealthy_after = unhealthy_after
        self._kill_after_s = kill_after_s * patience
        self._ping_s = PING_S * patience
        self._wire = Wire(self._connect, self.violations, drop_late=drop_late, connect_s=CONNECT_S * patience)
        self._pinging: threading.Thread | None = None
        self._door: Door | None = None
        self._stopping = threading.Event()

    def _confine(self, confinement: Confinement, *, insisted_on: bool) -> None:
        reason = unsupported()
        if reason is None:
            self._command = confinement.around(self._command)
        elif insisted_on:
            raise Unsupported(reason)
        else:
            self.not_played = [f"a read-only model directory and 64 MB of shared memory: {reason}"]

    def start(self) -> None:
        """Run it, and wait for the first ping that is answered by 200.

        Raises:
            Unhealthy: that did not happen within the start-up window. It has been stopped.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._stopping.clear()
        ends = time.monotonic() + self._startup_window_s
        while self.ping().status != 200:
            if self.process.poll() is not None or time.monotonic() > ends:
                stopped = self.stop()
                said = self.log.read_text(errors="replace")[-2000:]
                raise Unhealthy(f"not ready within {self._startup_window_s:g} s (status {stopped.status}): {said}")
            time.sleep(min(0.1, self._ping_every_s))
        self._pinging = threading.Thread(target=self._keep_pinging, daemon=True)
        self._pinging.start()

    def ping(self) -> Ping:
        """Ask once, as the platform does, and note what came of it."""
        began = time.monotonic()
        status = None
        with contextlib.suppress(NoAnswer), self._wire.exchange("GET", "/ping", b"", {}, self._ping_s) as exchange:
            answer = exchange.answer()
            status = answer.status
            if answer.body:
                self.violations.append(f"/ping has a body: {answer.body[:80]!r}")
        ping = Ping(status, time.monotonic() - began)
        self.pings.append(ping)
        return ping

    def _keep_pinging(self) -> None:
        missed = 0
        while not self._stopping.wait(self._ping_every_s):
            ping = self.ping()
            missed = 0 if ping.status == 200 else missed + 1
            if missed == self._unhealthy_after and not self._stopping.is_set():
                self.violations.append(f"{missed} pings in a row without 200; the last: {ping}")

    def invoke(
        self,
        body: bytes,
        *,
        content_type: str,
        accept: str = "",
        headers: Mapping[str, str] = {},
        timeout_s: float = 60,
    ) -> Answer:
        """POST /invocations with the headers SageMaker lets through.

        Raises:
            TimedOut: there is no whole answer after `timeout_s`. The container is not told and goes on.
            NoAnswer: it cannot be reached, or hung up.
        """
        with self.streaming(
            body, content_type=content_type, accept=accept, headers=headers, timeout_s=timeout_s
        ) as exchange:
            return exchange.answer()

    @contextlib.contextmanager
    def streaming(
        self,
        body: bytes,
        *,
        content_type: str,
        accept: str = "",
        headers: Mapping[str, str] = {},
        timeout_s: float = 480,
    ) -> Iterator[Exchange]:
        """As `invoke`, but with the answer as it comes."""
        sent = {"Content-Type": content_type, **({"Accept": accept} if accept else {}), **headers}
        with self._wire.exchange("POST", "/invocations", body, sent, timeout_s) as exchange:
            self._wire.check(exchange, may_stream=accept in STREAMS)
            yield exchange

    def get(self, path: str) -> Answer:
        """GET what the platform asks of containers besides: /execution-parameters, /metrics."""
        with self._wire.exchange("GET", path, b"", {}, self._ping_s) as exchange:
            self._wire.check(exchange, may_stream=False)
            return exchange.answer()

    def _connect(self, seconds: float) -> socket.socket:
        if not self._isolated:
            return socket.create_connection(("127.0.0.1", self.port), seconds)
        if self._door is None:
            self._door = Door(self.process.pid)
        return self._door.connect(self.port, seconds)

    def workers(self) -> list[psutil.Process]:
        """Its worker processes, oldest first. Of a process, not of a container in a machine of its own."""
        return workers_of(self.process.pid)

    def kill_worker(self, index: int = 0) -> int:
        """End a worker as the kernel does when memory is short; returns its process id."""
        worker = self.workers()[index]
        worker.kill()
        return worker.pid

    def stop(self) -> Stopped:
        """SIGTERM, and `kill_after_s` later SIGKILL, as when an instance is taken away. A second time does nothing."""
        self._stopping.set()
        stopped = end(self.process, self._kill_after_s)
        if self._pinging is not None:
            self._pinging.join()
        self._wire.close()
        if self._door is not None:
            self._door.close()
            self._door = None
        return stopped

    def __enter__(self) -> Instance:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
