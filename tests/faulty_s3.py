"""An S3 that fails as told: a proxy on a real socket, in front of one that works."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_ERRORS = {"SlowDown": 503, "AccessDenied": 403}


class FaultyS3:
    """`faults` maps a part of a path to `hang`, `cut`, `SlowDown` or `AccessDenied`; all else passes.

    `stored` lists the paths that were stored, in that order; `url` is where it listens.
    """

    def __init__(self, behind: str) -> None:
        self.faults: dict[str, str] = {}
        self.stored: list[str] = []
        self.behind = urlsplit(behind).netloc
        handler = type("Handler", (_Handler,), {"s3": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def fault(self, path: str) -> str | None:
        return next((fault for part, fault in list(self.faults.items()) if part in path), None)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: FaultyS3

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        fault = self.s3.fault(self.path)
        if fault is None:
            self._pass_on(body)
        elif fault in _ERRORS:
            self._answer(_ERRORS[fault], {}, f"<Error><Code>{fault}</Code></Error>".encode())
        else:
            self.close_connection = True
            if fault == "cut" and self.command == "GET":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of i")
            while self.s3.fault(self.path) == "hang":
                time.sleep(0.05)

    do_PUT = do_GET  # noqa: N815

    def _pass_on(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self.s3.behind, timeout=20)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if self.command == "PUT" and response.status == http.client.OK:
            self.s3.stored.append(self.path)
        self._answer(response.status, dict(response.getheaders()), content)

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
