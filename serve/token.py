"""`API_TOKEN`, `API_TOKENS`: who has none of them gets 401.

But on `/ping`, which a platform asks without one, and where the service is described: a browser opens `/docs` and the
studio without a token, and these pages ask for it.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serve import log_ids
from serve.addresses_of_jobs import Addresses
from serve.errors import Unauthorized
from serve.responses import problem_response
from serve.tokens import Tokens

_OPEN = frozenset({"/", "/ping", "/livez", "/docs", "/openapi.json"})
_SCHEMES = ("bearer", "key")  # the second is what clients of fal send
_OPEN_FOLDERS = ("/docs/", "/studio/")


class RequireToken:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, tokens: Tokens, addresses: Addresses) -> None:
        """`addresses`: knows those that do without."""
        self._app = app
        self._tokens = tokens
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._lets_in(scope):
            await self._app(scope, receive, send)
            return
        problem = Unauthorized("this service needs the header 'Authorization: Bearer <API_TOKEN>'")
        await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        path, query = quote(scope["path"]), scope["query_string"].decode("latin-1")
        token = scope["state"]["token"] = self._name(Headers(scope=scope))
        log_ids.about(token=token)
        return token is not None or _is_open(scope["path"]) or self._addresses.is_signed(scope["method"], path, query)

    def _name(self, headers: Headers) -> str | None:
        """Whose token the request carries."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Headers arrive as latin-1, whatever they were sent as.
        return self._tokens.name_of(given.strip().encode("latin-1")) if scheme.lower() in _SCHEMES else None


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_FOLDERS)
