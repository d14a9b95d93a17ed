"""A website to fetch from."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Callable
from typing import IO, Any, cast

import trustme

from serve.https import Https


class Site:
    """A real https server on the loopback with a certificate of its own."""

    def __init__(self, png: bytes) -> None:
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        self.trusting = ssl.create_default_context()
        authority.configure_trust(self.trusting)
        self.hosts: list[str] = []
        self.redirects = {"/away": "https://127.0.0.1/secret"}
        self.posts: list[tuple[dict[str, str], bytes]] = []  # headers in small letters, content
        self.statuses: list[int] = []  # of the next posts; then 204
        self.bodies: dict[str, Callable[[IO[bytes]], Any]] = {
            "/picture": lambda to: to.write(png),
        }
        self.authority = authority.cert_pem.bytes()
        hosts, redirects, bodies = self.hosts, self.redirects, self.bodies
        posts, statuses = self.posts, self.statuses

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hosts.append(self.headers["Host"])
                if self.path.startswith("/redirect/"):
                    left = int(self.path.rsplit("/", 1)[1])
                    self.send_response(302)
                    self.send_header("Location", f"/redirect/{left - 1}" if left > 1 else "/picture")
                    self.end_headers()
                elif self.path in redirects:
                    self.send_response(302)
                    self.send_header("Location", redirects[self.path])
                    self.end_headers()
                elif self.path in bodies:
                    self.send_response(200)
                    self.end_headers()
                    with contextlib.suppress(OSError):  # whoever asked may have heard enough
                        bodies[self.path](cast(IO[bytes], self.wfile))
                else:
                    self.send_error(503 if self.path == "/broken" else 404)

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append(({name.lower(): value for name, value in self.headers.items()}, content))
                self.send_response(statuses.pop(0) if statuses else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Not on stderr."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def client(self, **changes: Any) -> Https:
        return Https(**{"allowed_hosts": ["localhost"], "verify": self.trusting, **changes})
