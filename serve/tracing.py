"""Spans for OpenTelemetry: each request, and each job with its stages.

They are made where the `otel` extra is installed and a standard variable says where they go
(`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or `OTEL_TRACES_EXPORTER=console`).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

_NS = 10**9  # nanoseconds a second, in which spans are told
# Measured beside the stages, not after one another.
_NOT_STAGES = frozenset({"network_s"})

log = logging.getLogger(__name__)


class Tracing:
    """What makes the spans. `tracer`: None makes none."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer

    @contextmanager
    def request(self, headers: Mapping[str, str], name: str) -> Iterator[None]:
        """Around a request; its `traceparent` is the parent."""
        if self._tracer is None:
            yield
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(dict(headers))
        with self._tracer.start_as_current_span(name, parent, SpanKind.SERVER):
            yield

    def here(self) -> Context | None:
        """The span that the present task is in."""
        if self._tracer is None:
            return None
        from opentelemetry.context import get_current

        return get_current()

    def job(
        self, context: Context | None, attributes: Mapping[str, str], began: float, timings: Mapping[str, float]
    ) -> None:
        """A job that has ended, and in it a span a stage, one after the other.

        Args:
            context: `here()`, as it was when the job began.
            attributes: of the job's span.
            began: when the job did, of `time.monotonic`.
            timings: seconds by stage, in their order, as an answer tells them.
        """
        if self._tracer is None:
            return
        from opentelemetry.trace import set_span_in_context

        end = time.time_ns()
        start = end - int((time.monotonic() - began) * _NS)
        span = self._tracer.start_span("job", context, attributes=dict(attributes), start_time=start)
        inside, at = set_span_in_context(span), start
        for name, seconds in timings.items():
            if name not in _NOT_STAGES:
                stage = self._tracer.start_span(name.removesuffix("_s"), inside, start_time=at)
                at += int(seconds * _NS)
                stage.end(at)
        span.end(end)


def tracing() -> Tracing:
    """As the environment's standard variables have it."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp")
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    wanted = exporter == "console" or (exporter == "otlp" and any(os.environ.get(name) for name in endpoints))
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Tracing()
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning("OTEL_* is set, and opentelemetry is not installed: pip install 'atelier[otel]'")
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "atelier"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(
        BatchSpanProcessor(ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter())
    )
    return Tracing(provider.get_tracer("atelier"))
