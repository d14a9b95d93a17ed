"""A hub on the loopback: the few routes of huggingface.co that looking at a repository and downloading take."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".pt", ".onnx")  # what is kept by its sha256


@dataclass
class Repository:
    """files: path -> content. history: earlier ones by their commits."""

    files: dict[str, bytes]
    licence: str = "mit"
    gated: bool = False
    history: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """Made of the content, as git's is."""
        return hashlib.sha1(repr(sorted(self.files.items())).encode(), usedforsecurity=False).hexdigest()

    def change(self, path: str, content: bytes) -> None:
        """One more commit."""
        self.history[self.commit] = self.files
        self.files = {**self.files, path: content}

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision in ("main", self.commit):
            return self.commit, self.files
        return (revision, self.history[revision]) if revision in self.history else None


class HubSite:
    """`repositories` by name. `served` lists the paths that were downloaded, with their ranges. `spoilt` are paths of
    which other bytes come than were stated; `cut`, paths whose first download breaks off in the middle."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.served: list[tuple[str, str | None]] = []
        self.spoilt: set[str] = set()
        self.cut: set[str] = set()
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def hub_site() -> Iterator[HubSite]:
    hub = HubSite()
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()


def git_digest(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits for an acknowledgement
    hub: HubSite

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._model("/".join(parts[2:4]), parts[5] if len(parts) > 4 else "main")
        else:
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    do_HEAD = do_GET  # noqa: N815

    def _model(self, name: str, revision: str) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(401, "RepoNotFound")
            return
        if (found := repository.at(revision)) is None:
            self._refuse(404, "RevisionNotFound")
            return
        commit, files = found
        siblings = [
            {"rfilename": path, "size": len(content), "blobId": git_digest(content), **_lfs(path, content)}
            for path, content in files.items()
        ]
        answer = {"id": name, "sha": commit, "siblings": siblings, "cardData": {"license": repository.licence}}
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _file(self, name: str, revision: str, path: str) -> None:
        repository = self.hub.repositories[name]
        if repository.gated:
            self._refuse(403, "GatedRepo")
            return
        found = repository.at(revision)
        assert found is not None
        commit, files = found
        content = files[path]
        etag = hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else git_digest(content)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        asked = self.headers["Range"]
        if self.command == "GET":
            self.hub.served.append((path, asked))
        body = bytes(len(content)) if path in self.hub.spoilt else content
        if asked:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._answer(206, headers, body[start:])
        elif self.command == "GET" and path in self.hub.cut:
            self.hub.cut.remove(path)
            self.close_connection = True
            self._answer(200, headers, body, send=len(body) // 2)
        else:
            self._answer(200, headers, body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, {"X-Error-Code": code, "X-Error-Message": code}, b"")

    def _answer(self, status: int, headers: dict[str, str], body: bytes, send: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:send])

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""


def _lfs(path: str, content: bytes) -> dict[str, Any]:
    if not path.endswith(LARGE):
        return {}
    return {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}}
