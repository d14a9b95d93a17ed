"""An S3 that fails as told: a proxy on a real socket, in front of one that works."""

from __future__ import annotations

import http.client
import http.server
import random
import select
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_ERRORS = {"InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503, "AccessDenied": 403}
_LONGEST_S = 300  # that anybody is kept waiting


def bad_weather(rate: float, seed: int) -> Iterator[str | None]:
    """Faults that pass, for `FaultyS3.weather`: one in `1 / rate` requests, each kind as often as the others."""
    generator = random.Random(seed)  # noqa: S311 - reproducible
    while True:
        bad = generator.random() < rate
        yield generator.choice(("InternalError", "ServiceUnavailable", "SlowDown", "silence", "lost")) if bad else None


class FaultyS3:
    """`faults` maps a part of a path to `hang`, `cut` or an error (`SlowDown`, `AccessDenied` ...); all else passes.

    `weather` has one more fault for each request that passes these, None for none: besides those above, `silence` hangs
    until the client hangs up, `lost` does so after the request was carried out. `met` counts them.

    `asked` lists all requests, as in `GET /bucket/key`, `stored` the paths that were stored, both in their order; `url`
    is where it listens. `checksums`: path -> the SHA-256 (base64) its content was sent with, for S3 to compare.
    """

    def __init__(self, behind: str) -> None:
        self.faults: dict[str, str] = {}
        self.weather: Iterator[str | None] = iter(())
        self.met: Counter[str] = Counter()
        self.asked: list[str] = []
        self.stored: list[str] = []
        self.checksums: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()
        self.behind = urlsplit(behind).netloc
        handler = type("Handler", (_Handler,), {"s3": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def fault(self, path: str) -> str | None:
        return next((fault for part, fault in list(self.faults.items()) if part in path), None)

    def next_weather(self) -> str | None:
        with self._one_at_a_time:
            fault = next(self.weather, None)
            self.met[fault or "none"] += 1
            return fault


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: FaultyS3

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.s3.asked.append(f"{self.command} {self.path}")
        fault = self.s3.fault(self.path) or self.s3.next_weather()
        if fault is None:
            self._answer(*self._pass_on(body))
        elif fault in _ERRORS:
            self._answer(_ERRORS[fault], {}, f"<Error><Code>{fault}</Code></Error>".encode())
        else:
            self.close_connection = True
            if fault == "lost":
                self._pass_on(body)
            if fault in ("silence", "lost"):
                select.select([self.connection], [], [], _LONGEST_S)
            if fault == "cut" and self.command == "GET":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of i")
            while self.s3.fault(self.path) == "hang":
                time.sleep(0.05)

    do_PUT = do_GET  # noqa: N815

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.s3.behind, timeout=600)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if self.command == "PUT" and response.status == http.client.OK:
            self.s3.stored.append(self.path)
            self.s3.checksums[self.path] = self.headers["x-amz-checksum-sha256"] or ""
        return response.status, dict(response.getheaders()), content

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""


@contextmanager
def faulty_s3(behind: str) -> Iterator[FaultyS3]:
    """One that listens, and is stopped in the end."""
    s3 = FaultyS3(behind)
    threading.Thread(target=s3.server.serve_forever, daemon=True).start()
    try:
        yield s3
    finally:
        s3.faults.clear()
        s3.server.shutdown()
        s3.server.server_close()
