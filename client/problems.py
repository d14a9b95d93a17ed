"""What may go wrong when a container is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]  # what the service said, or was asked


class Failed(Exception):  # noqa: N818 - what happened
    """The service did not do what was asked."""


class Refused(Failed):
    """The service answered with a problem (RFC 9457). `retry_after_s` is its advice, None without any."""

    def __init__(self, problem: Json) -> None:
        field = f" ({problem['field']})" if problem.get("field") else ""
        super().__init__(f"{problem['status']} {problem['code']}{field}: {problem['detail']}")
        self.code: str = problem["code"]
        self.retry_after_s: float | None = problem.get("retry_after_s") if problem.get("retryable") else None


class NotReadable(Failed):
    """A result is stored, but out of reach of this machine."""
