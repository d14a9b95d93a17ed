"""One request to a container over one connection, within one time limit for all of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

_CHUNK = 64 * 1024


class NoAnswer(Exception):  # noqa: N818 - what is missing
    """The container is not there, or hung up before its answer was complete."""


class TimedOut(NoAnswer):
    """The time limit passed before the answer was complete. The container has not been told."""


@dataclass(frozen=True)
class Answer:
    """A complete answer. The headers' names may be asked for in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """A request, and its answer as it comes: after `send` there are status and headers; iterate for the body.

    Args:
        sock: connected to the container; closed by `close`.
        timeout_s: from now to the end of the answer.
    """

    status: int
    headers: Mapping[str, str]

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        self._ends = time.monotonic() + timeout_s
        self._sock = sock
        self._connection = http.client.HTTPConnection("127.0.0.1")
        self._connection.sock = sock

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send the request and wait for the answer to begin.

        Raises:
            TimedOut: it did not within the time limit.
            NoAnswer: the container hung up.
        """
        with self._understood():
            # Who refuses a body without reading it has answered all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, path, body if method == "POST" else None, dict(headers))
            self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = httpx.Headers(self._response.getheaders())

    def __iter__(self) -> Iterator[bytes]:
        """The parts of the body, as the transport cut them."""
        expected, received = self._response.length, 0
        while True:
            with self._understood():
                part = self._response.read1(_CHUNK)
            if not part:
                break
            received += len(part)
            yield part
        if expected is not None and received < expected:
            raise NoAnswer(f"hung up after {received} of {expected} bytes")

    def answer(self) -> Answer:
        """Read it to its end."""
        return Answer(self.status, self.headers, b"".join(self))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        self._sock.close()

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """What is left of the time limit for one step, and what its failure means."""
        left_s = self._ends - time.monotonic()
        if left_s <= 0:
            raise TimedOut("the time limit has passed")
        with contextlib.suppress(OSError):  # closed by the other side: the step will say so
            self._sock.settimeout(left_s)
        try:
            yield
        except TimeoutError:
            raise TimedOut("the time limit has passed") from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
