"""The service that callers talk to: endpoints by name, in front of instances or of a queue, as boto3 speaks with it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html. Signatures are
not checked. Not documented, and so merely plausible here: what callers get when a container hangs up, or answers with
more than the limit.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.config import Config

from tests.platform import eventstream
from tests.platform.endpoints import Queue
from tests.platform.exchange import Exchange
from tests.platform.hosting import Instance, NoAnswer, TimedOut
from tests.platform.refusals import InvalidCall, ModelError

MAX_BODY_BYTES = 6_291_456  # of a request and of an answer, as botocore's model of the service has it
PLAIN_S, STREAMED_S = 60.0, 480.0

_PREFIX = "X-Amzn-SageMaker-"
_ATTRIBUTES = f"{_PREFIX}Custom-Attributes"
_TO_CONTAINER = (_ATTRIBUTES, f"{_PREFIX}Inference-Id", f"{_PREFIX}Session-Id", f"{_PREFIX}Target-Model")
_FROM_CONTAINER = (_ATTRIBUTES, f"{_PREFIX}New-Session-Id", f"{_PREFIX}Closed-Session-Id")
_VARIANT = {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}
_MAX_ATTRIBUTES = 1024
_ROUTE = re.compile(r"/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)")
_TIMED_OUT = "Your invocation timed out while waiting for a response from container primary"


class Runtime:
    """A server for the time of a `with`. `url` is the `endpoint_url` of a `sagemaker-runtime` client.

    Args:
        endpoints: name -> the instance, or the queue of an asynchronous endpoint, which takes nothing else.
        max_body_bytes: of requests and answers, other than asynchronous ones.
        plain_s, streamed_s: within which the container has to have answered.
        part_bytes: how the parts of streams are cut; None: as they arrive. Callers must not rely on either.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Instance | Queue],
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        plain_s: float = PLAIN_S,
        streamed_s: float = STREAMED_S,
        part_bytes: int | None = None,
    ) -> None:
        self.endpoints = endpoints
        self.max_body_bytes = max_body_bytes
        self.plain_s = plain_s
        self.streamed_s = streamed_s
        self.part_bytes = part_bytes
        handler = type("BoundCall", (Call,), {"runtime": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def client(self) -> Any:
        """boto3's client of it: it waits longer than the platform does, and sends nothing twice."""
        return boto3.client(
            "sagemaker-runtime",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(read_timeout=self.plain_s + 10, retries={"total_max_attempts": 1}, proxies={}),
        )

    def __enter__(self) -> Runtime:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Call(http.server.BaseHTTPRequestHandler):
    """One call of the API."""

    runtime: Runtime

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = _ROUTE.fullmatch(unquote(self.path))
        name, operation = found.groups() if found else ("", "")
        try:
            if name not in self.runtime.endpoints:
                raise InvalidCall(f"Endpoint {name} of account 123456789012 not found.")
            self._dispatch(operation, self.runtime.endpoints[name], body)
        except InvalidCall as error:
            self._answer(400, {"X-Amzn-ErrorType": "ValidationError"}, {"Message": str(error)})
        except ModelError as error:
            self._answer(424, {"X-Amzn-ErrorType": "ModelError"}, error.to_json(name))
        except ConnectionError:
            self.close_connection = True  # the caller has left

    def _dispatch(self, operation: str, endpoint: Instance | Queue, body: bytes) -> None:
        if isinstance(endpoint, Instance) is (operation == "async-invocations"):
            raise InvalidCall(f"This endpoint does not support {operation}.")
        if not isinstance(endpoint, Instance):
            self._queue(endpoint, body)
        elif len(body) > self.runtime.max_body_bytes:
            self._answer(413, {}, {"Message": f"HTTP content length exceeded {self.runtime.max_body_bytes} bytes."})
        elif operation == "invocations":
            self._invoke(endpoint, body)
        else:
            self._stream(endpoint, body)

    def _queue(self, queue: Queue, body: bytes) -> None:
        accepted = queue.submit(dict(self.headers), body)
        locations = {
            f"{_PREFIX}OutputLocation": accepted.output_location,
            f"{_PREFIX}FailureLocation": accepted.failure_location,
        }
        self._answer(202, locations, {"InferenceId": accepted.inference_id})

    def _invoke(self, instance: Instance, body: bytes) -> None:
        try:
            answer = instance.invoke(
                body,
                content_type=self.headers.get("Content-Type", ""),
                accept=self.headers.get("Accept", ""),
                headers=self._for_container(),
                timeout_s=self.runtime.plain_s,
            )
        except TimedOut:
            raise ModelError(0, _TIMED_OUT) from None
        except NoAnswer as error:
            raise ModelError(0, str(error)) from None
        if answer.status // 100 != 2:
            raise ModelError(answer.status, answer.body.decode(errors="replace"))
        if len(answer.body) > self.runtime.max_body_bytes:
            raise ModelError(0, f"the answer has more than {self.runtime.max_body_bytes} bytes")
        content_type = {"Content-Type": answer.headers.get("Content-Type", "")}
        self._send(answer.status, content_type | self._for_caller(answer.headers), answer.body)

    def _stream(self, instance: Instance, body: bytes) -> None:
        try:
            with instance.streaming(
                body,
                content_type=self.headers.get("Content-Type", ""),
                accept=self.headers.get(f"{_PREFIX}Accept", ""),
                headers=self._for_container(),
                timeout_s=self.runtime.streamed_s,
            ) as exchange:
                if exchange.status // 100 != 2:
                    raise ModelError(exchange.status, exchange.answer().body.decode(errors="replace"))
                self._pass_on(exchange)
        except TimedOut:
            raise ModelError(0, _TIMED_OUT) from None
        except NoAnswer as error:
            raise ModelError(0, str(error)) from None

    def _pass_on(self, exchange: Exchange) -> None:
        """From here on the status is sent, and failures travel in the stream."""
        headers = {f"{_PREFIX}Content-Type": exchange.headers.get("Content-Type", "")}
        headers |= {"Content-Type": "application/vnd.amazon.eventstream"} | self._for_caller(exchange.headers)
        self._send(200, headers, None)
        try:
            for chunk in exchange:
                size = self.runtime.part_bytes or len(chunk)
                for start in range(0, len(chunk), size):
                    self.wfile.write(eventstream.event("PayloadPart", chunk[start : start + size]))
        except TimedOut as error:
            self._break_off(str(error), "ModelInvocationTimeExceeded")
        except NoAnswer as error:
            self._break_off(str(error), "StreamBroken")

    def _break_off(self, message: str, code: str) -> None:
        self.wfile.write(eventstream.exception("ModelStreamError", Message=message, ErrorCode=code))

    def _for_container(self) -> dict[str, str]:
        attributes = self.headers.get(_ATTRIBUTES, "")
        if len(attributes) > _MAX_ATTRIBUTES or not attributes.isascii() or not (attributes or "-").isprintable():
            raise InvalidCall(f"CustomAttributes must be at most {_MAX_ATTRIBUTES} visible ASCII characters.")
        return {name: self.headers[name] for name in _TO_CONTAINER if name in self.headers}

    def _for_caller(self, headers: Mapping[str, str]) -> dict[str, str]:
        return _VARIANT | {name: headers[name] for name in _FROM_CONTAINER if name in headers}

    def _answer(self, status: int, headers: Mapping[str, str], content: dict[str, Any]) -> None:
        self._send(status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes | None) -> None:
        """A whole answer, or with None for the body only its head."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""
