"""Which request, job and trace a line of log is about, through the front and its workers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

# Each task has a copy, and hands it to those it starts: a job's lines carry the request that brought it.
_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids", default=MappingProxyType({}))


def about(**ids: str | None) -> None:
    """From here on the lines of this task, and of those it starts, carry these too."""
    _ids.set({**_ids.get(), **{name: value for name, value in ids.items() if value is not None}})


def current() -> Mapping[str, str]:
    """`request_id`, `job`, `trace_id`, as far as they are known here."""
    return _ids.get()


def trace_id_in(traceparent: str | None) -> str | None:
    """The trace that a `traceparent` header (W3C Trace Context) names."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found[1] if found else None
