"""The addresses of a job, its events and its files, and of the catalogue's pictures.

With tokens set they are signed, so that `<img>`, `<video>` and `EventSource`, which send no headers, can be
pointed at them for a while. The token itself is in none of them.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from serve.answers import OutputFile
from serve.names import name_of

ROOT, CATALOGUE = "/api/jobs/", "/api/catalogue/"


def job_path(job_id: str) -> str:
    return f"{ROOT}{name_of(job_id)}"


@dataclass(frozen=True)
class Addresses:
    """What is told to clients, and what is let in. `key`: what is signed with; None: anybody may see everything."""

    key: bytes | None
    valid_s: float

    def events(self, job_id: str) -> str:
        return self._signed(f"{job_path(job_id)}/events")

    def outputs(self, job_id: str, outputs: Iterable[OutputFile]) -> dict[str, str]:
        """By their names."""
        return {one.name: self._signed(f"{job_path(job_id)}/outputs/{quote(one.name)}") for one in outputs}

    def of_catalogue(self, name: str) -> str:
        """Of a picture in the catalogue; the same for a while, so that browsers keep what they have."""
        period = time.time() // self.valid_s
        return self._signed(CATALOGUE + name, (period + 2) * self.valid_s)

    def _signed(self, path: str, until: float | None = None) -> str:
        if self.key is None:
            return path
        expires = int(until or time.time() + self.valid_s)
        return f"{path}?exp={expires}&sig={self._signature(path, expires)}"

    def _signature(self, path: str, expires: int) -> str:
        """Over job, file and expiry."""
        assert self.key is not None  # noqa: S101 - asked before
        return hmac.new(self.key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()

    def is_signed(self, method: str, path: str, query: str) -> bool:
        """Whether the query is a signature of ours that has not expired, of something that is only read."""
        given = parse_qs(query)
        expires, signature = given.get("exp", [""])[-1], given.get("sig", [""])[-1]
        if self.key is None or method not in ("GET", "HEAD") or not path.startswith((ROOT, CATALOGUE)):
            return False
        if not (expires.isascii() and expires.isdecimal() and int(expires) > time.time()):
            return False
        return hmac.compare_digest(signature.encode(), self._signature(path, int(expires)).encode())
