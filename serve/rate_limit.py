"""`RATE_LIMIT`: how much one token, or without tokens one address, may ask for."""

from __future__ import annotations

import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.errors import TooManyRequests
from serve.responses import problem_response


def parsed(limit: str) -> RateLimitItem:
    """`60/minute` and the like.

    Raises:
        ValueError: it is none.
    """
    return parse(limit)


class RateLimit:
    """ASGI middleware around what asks for work: every POST. Looking how far a job is costs nothing."""

    def __init__(self, app: ASGIApp, limit: RateLimitItem) -> None:
        self._app = app
        self._limit = limit
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] == "/ping":
            await self._app(scope, receive, send)
            return
        token, client = scope["state"].get("token"), scope.get("client")
        who = f"token {token}" if token else f"address {client[0] if client else ''}"
        if await self._limiter.hit(self._limit, who):
            await self._app(scope, receive, send)
            return
        free_at = (await self._limiter.get_window_stats(self._limit, who)).reset_time
        wait_s = max(0.0, round(free_at - time.time(), 1))
        problem = TooManyRequests(f"at most {self._limit} for each {who.split()[0]}", retry_after_s=wait_s)
        await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)
