"""`RATE_LIMIT`: how much one token, or without tokens one address, may ask for."""

from __future__ import annotations

import time
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Share:
    """What is left of a limit to one who asks."""

    limit: RateLimitItem
    who: str  # `token` or `address`
    taken: bool  # whether there was something left for this request
    remaining: int
    free_at: float  # when more is, in seconds since 1970

    def refusal(self) -> TooManyRequests:
        wait_s = max(0.0, round(self.free_at - time.time(), 1))
        return TooManyRequests(f"at most {self.limit} for each {self.who}", retry_after_s=wait_s)


class Shares:
    """A limit that each token, or without tokens each address, has for itself."""

    def __init__(self, limit: RateLimitItem) -> None:
        self._limit = limit
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, scope: Scope) -> Share:
        """Count a request."""
        token, client = scope["state"].get("token"), scope.get("client")
        kind, name = ("token", token) if token else ("address", client[0] if client else "")
        who = f"{kind} {name}"
        taken = await self._limiter.hit(self._limit, who)
        left = await self._limiter.get_window_stats(self._limit, who)
        return Share(self._limit, kind, taken, left.remaining, left.reset_time)


class RateLimit:
    """ASGI middleware around what asks for work: every POST. Looking how far a job is costs nothing."""

    def __init__(self, app: ASGIApp, limit: RateLimitItem) -> None:
        self._app = app
        self._shares = Shares(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] == "/ping":
            await self._app(scope, receive, send)
            return
        share = await self._shares.take(scope)
        if share.taken:
            await self._app(scope, receive, send)
            return
        await problem_response(share.refusal(), scope["state"]["request_id"])(scope, receive, send)
