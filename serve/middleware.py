"""Around every request: an id, one line of log without any content, a count, and the echo SageMaker asks for."""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve import log_ids
from serve.errors import as_problem
from serve.metrics import Metrics
from serve.responses import problem_response
from serve.tracing import Tracing

_CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_ROUTES = frozenset(
    {
        "/",
        "/ping",
        "/livez",
        "/invocations",
        "/execution-parameters",
        "/health",
        "/metrics",
        "/api/models",
        "/api/jobs",
        "/api/catalogue",
        "/docs",
        "/openapi.json",
        "/vto",
        "/clothes",
        "/fal-ai/cat-vton",
        "/queue/fal-ai/cat-vton",
        "/v1/run",
        "/api/v1/tryon",
        "/api/v1/batch",
        "/api/v1/health",
        "/api/v1/model/info",
        "/api/v1/metrics",
    }
)
_WITH_NAMES = {
    "/api/jobs/": "/api/jobs/{id}",
    "/api/catalogue/": "/api/catalogue/{slug}",
    "/result/": "/result/{file}",
    "/fal-ai/cat-vton/requests/": "/fal-ai/cat-vton/requests/{id}",
    "/queue/fal-ai/cat-vton/requests/": "/queue/fal-ai/cat-vton/requests/{id}",
    "/api/v1/batch/": "/api/v1/batch/{id}",
    "/v1/status/": "/v1/status/{id}",
    "/studio/": "/studio/{file}",
}
_OFTEN = frozenset({"/ping", "/livez", "/metrics"})  # asked every few seconds
REQUEST_ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"

log = logging.getLogger(__name__)


class Bookkeeping:
    """ASGI middleware. Leaves the request's id in `scope["state"]["request_id"]`.

    What nobody else has caught ends here, so that its 500 has the same headers as any answer.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = given_id(headers) or secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        log_ids.about(request_id=request_id, trace_id=log_ids.trace_id_in(headers.get("traceparent")))
        with self._tracing.request(headers, f"{scope['method']} {route_of(scope['path'])}"):
            await self._answer(scope, receive, send, headers, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, headers: Headers, request_id: str) -> None:
        started, status = time.monotonic(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                if _CUSTOM_ATTRIBUTES in headers:
                    answer[_CUSTOM_ATTRIBUTES] = headers[_CUSTOM_ATTRIBUTES]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            problem = as_problem(error)  # which logs what was not foreseen
            if status:  # the answer has begun: all that is left is to break it off
                raise
            await problem_response(problem, request_id)(scope, receive, send_with_headers)
        finally:
            route = route_of(scope["path"])
            seconds = time.monotonic() - started
            self._metrics.responses.labels(route=route, status=str(status)).inc()
            self._metrics.response_seconds.labels(route=route).observe(seconds)
            told = {"request_id": request_id, "route": route, "status": status, "seconds": round(seconds, 4)}
            log.log(logging.DEBUG if route in _OFTEN and status == 200 else logging.INFO, "request", extra=told)


def route_of(path: str) -> str:
    """What the log and the metrics call a path: no ids, and nothing a stranger made up."""
    for beginning, shown in _WITH_NAMES.items():
        if path.startswith(beginning):
            return shown
    return path if path in _ROUTES else "other"


def given_id(headers: Headers) -> str | None:
    """The id the caller or the platform gave the request, if it is one we would print."""
    named = headers.get("x-amzn-sagemaker-inference-id") or headers.get("x-request-id") or ""
    return named if re.fullmatch(REQUEST_ID_PATTERN, named) else None
