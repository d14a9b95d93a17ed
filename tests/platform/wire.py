"""Requests as they reach a container, and what of its answers the platform would not put up with."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping

from tests.platform.exchange import Exchange, NoAnswer, TimedOut
from tests.platform.refusals import MAX_MESSAGE

CONNECT_S = 0.25
STREAMS = ("application/x-ndjson", "text/event-stream")

# Of a request's headers a container sees these and the platform's own, and others that nobody has announced.
_PASSED_ON = ("content-type", "accept", "content-length")
_PLATFORMS_OWN = "x-amzn-sagemaker-"
_UNHEARD_OF = {
    "X-Amzn-Trace-Id": "Root=1-made-up",
    "X-Amzn-SageMaker-Unheard-Of": "ignore me",
    "X-Forwarded-Port": "443",
}


class Wire:
    """The way to one container.

    Args:
        connect: to the container, within so many seconds.
        violations: where each is noted in a sentence.
        connect_s: how long it may take until a connection is accepted.
        drop_late: close the connection of an exchange whose time is up; else it stays open until `close`.
    """

    def __init__(
        self,
        connect: Callable[[float], socket.socket],
        violations: list[str],
        *,
        drop_late: bool,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._connect = connect
        self._connect_s = connect_s
        self._violations = violations
        self._drop_late = drop_late
        self._late: list[Exchange] = []

    @contextlib.contextmanager
    def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[Exchange]:
        """Send a request; yields its answer as it comes.

        Raises:
            TimedOut: not whole within `timeout_s`.
            NoAnswer: there is nobody, or he hung up.
        """
        let_through = {name: value for name, value in headers.items() if passes(name)}
        exchange, late = Exchange(self._connected(), timeout_s), False
        try:
            exchange.send(method, path, body, let_through | _UNHEARD_OF)
            yield exchange
        except TimedOut:
            late = True
            raise
        finally:
            if late and not self._drop_late:
                self._late.append(exchange)
            else:
                exchange.close()

    def check(self, exchange: Exchange, *, may_stream: bool) -> None:
        """Note what of an answer's status and headers the platform would not take, or not pass on."""
        length = exchange.headers.get("Content-Length")
        if length is None and not (may_stream and exchange.status == 200):
            self._violations.append(f"an answer ({exchange.status}) without Content-Length")
        if exchange.status >= 400 and length is not None and int(length) > MAX_MESSAGE:
            self._violations.append(f"the body of an error ({exchange.status}) has {length} bytes")

    def close(self) -> None:
        """Hang up on whoever is still at it."""
        for exchange in self._late:
            exchange.close()

    def _connected(self) -> socket.socket:
        try:
            return self._connect(self._connect_s)
        except TimeoutError:
            self._violations.append(f"no connection was accepted within {self._connect_s * 1000:.0f} ms")
            raise NoAnswer("no connection was accepted in time") from None
        except OSError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error


def passes(header: str) -> bool:
    """Whether SageMaker hands this header of a caller to the container."""
    return header.lower() in _PASSED_ON or header.lower().startswith(_PLATFORMS_OWN)
