"""A container that does what requests tell it, to see what the platform makes of it: `python -m
tests.platform.simple_container`. A request is JSON lines; the first says how all are answered:

    name        counts how often it was asked; by default everything is one name
    sleep_s     before the answer
    status      of the answer
    fail_first  so many requests of that name get 503
    chunked     the answer has no Content-Length
    lose        this line gets no answer

Each line's answer has `line` (as it came), `hits` of that name, `headers` of the request, and `at_once`, the most
requests that ever were in here together.
"""

from __future__ import annotations

import http.server
import json
import os
import threading
import time
from collections import Counter
from typing import Any

_hits: Counter[str] = Counter()
_inside, _at_once = 0, 0
_lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wants = os.environ.get("WANTS", "")
        known = self.path == "/ping" or (self.path == "/execution-parameters" and wants)
        self._answer(200 if known else 404, wants.encode() if self.path != "/ping" else b"")

    def do_POST(self) -> None:
        global _inside, _at_once
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        asked = [json.loads(line) for line in lines]
        how = asked[0]
        name = how.get("name", "")
        with _lock:
            _hits[name] += 1
            _inside += 1
            _at_once = max(_at_once, _inside)
            seen = {"hits": _hits[name], "headers": dict(self.headers), "at_once": _at_once}
        time.sleep(how.get("sleep_s", 0))
        with _lock:
            _inside -= 1
        status = 503 if seen["hits"] <= how.get("fail_first", 0) else how.get("status", 200)
        answers = [json.dumps({"line": line, **seen}) for line in asked if not line.get("lose")]
        self._answer(status, "\n".join(answers).encode(), chunked=how.get("chunked", False))

    def _answer(self, status: int, content: bytes, *, chunked: bool = False) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
