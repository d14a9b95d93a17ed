"""A process for libraries that keep Python's lock while they compute, and with it every other thread waiting.

    vertices, faces = side_process.run(reconstructed, points, normals)   # blocks this thread, and no other

It has neither torch nor weights: functions are found by their name there, and arrays go to and fro through a pipe.
Should it be killed, the call is made once more in a new process: a library that crashes brings that one down as well,
and only its call fails.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Protocol, TypeVar

from model.errors import EngineError

T = TypeVar("T")

_SOURCE = Path(__file__).parents[2]
_ATTEMPTS = 2  # a kill from outside may happen to any call; twice the same call is to blame


class Compute(Protocol):
    """A way to compute `fn(*args)`."""

    def __call__(self, fn: Callable[..., T], *args: object) -> T: ...


def in_this_process(fn: Callable[..., T], *args: object) -> T:
    """The plain way: `fn(*args)` in this process."""
    return fn(*args)


class SideProcess:
    """One process, started when it is first needed; calls from several threads take turns."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._closed = False

    def run(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)`, computed there; `fn` is a module's function, and all that goes over can be pickled.

        Raises:
            EngineError: two processes died of it, or this one was closed.
            Exception: what `fn` raised.
        """
        with self._turn:
            for _ in range(_ATTEMPTS):
                if self._closed:
                    raise EngineError("the device is closed")
                connection = self._connection or self._start()
                try:
                    connection.send((fn, args))
                    answer, error = connection.recv()
                    break
                except (EOFError, OSError):
                    self._end()
            else:
                raise EngineError(f"'{fn.__name__}' brought {_ATTEMPTS} processes down")
        if error is not None:
            raise error
        result: T = answer
        return result

    def close(self) -> None:
        """End the process, whatever it does. A call that waits for it fails."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
        with self._turn:
            self._end()

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-m", "model.runtime.side_process", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=_SOURCE, pass_fds=[theirs.fileno()])  # noqa: S603 - all of it is ours
        self._connection = ours
        return ours

    def _end(self) -> None:
        if self._process is not None and self._connection is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None


def serve(connection: Connection) -> None:
    """Compute what is asked for until nobody is there to ask: the other end closes with its process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the front drains
    while True:
        try:
            fn, args = connection.recv()
        except EOFError:
            return
        answer: tuple[object, Exception | None]
        try:
            answer = fn(*args), None
        except Exception as error:  # noqa: BLE001 - it belongs to the caller
            answer = None, error
        try:
            connection.send(answer)
        except OSError:
            return


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
