"""Connections that do not get to the end of a request's head are closed: else a few thousand would be enough to keep
everybody out."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class LimitedHeads(HttpToolsProtocol):
    """Uvicorn's protocol with a time limit for the head of each request. `head_s` is set by a subclass."""

    head_s: float
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._closing is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._closing = self.loop.call_later(self.head_s, self.transport.close)

    def _head_is_there(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None


def limited_heads(head_s: float) -> type[LimitedHeads]:
    """The protocol with this limit, in seconds."""
    return type("LimitedHeads", (LimitedHeads,), {"head_s": head_s})
