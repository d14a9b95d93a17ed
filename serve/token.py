"""`API_TOKEN`: who does not have it gets 401, but on `/ping`, which a platform asks without one, and where the service
is described: a browser opens `/docs` and the studio without a token, and these pages ask for it."""

from __future__ import annotations

import hmac
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.addresses_of_jobs import Addresses
from serve.errors import Unauthorized
from serve.responses import problem_response

_OPEN = frozenset({"/", "/ping", "/docs", "/openapi.json"})
_OPEN_FOLDERS = ("/docs/", "/studio/")


class RequireToken:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        """`addresses`: it has the token, and knows the addresses that do without."""
        self._app = app
        self._addresses = addresses
        self._token = (addresses.token or "").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._lets_in(scope):
            await self._app(scope, receive, send)
            return
        problem = Unauthorized("this service needs the header 'Authorization: Bearer <API_TOKEN>'")
        await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        path, query = quote(scope["path"]), scope["query_string"].decode("latin-1")
        signed = self._addresses.is_signed(scope["method"], path, query)
        return signed or _is_open(scope["path"]) or self._knows(Headers(scope=scope))

    def _knows(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Headers arrive as latin-1, whatever they were sent as.
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token)


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_FOLDERS)
