"""What operators watch: metrics, logs and traces of one request belong together."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serve.tracing import Tracing
from tests.server import ROOT, Server, eventually, serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("watched"), OTEL_TRACES_EXPORTER="none") as server:
        yield server


def series(server: Server) -> dict[str, float]:
    lines = [line for line in server.client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_all_that_is_promised_is_told(watched: Server) -> None:
    assert watched.probe(steps_s=[0.01] * 2).status_code == 200
    eventually(lambda: any(name.startswith("atelier_device_memory_bytes{") for name in series(watched)))
    told = series(watched)
    assert told['atelier_job_seconds_count{engine="probe"}'] == 1
    assert told['atelier_response_seconds_count{route="/invocations"}'] == 1
    assert told["atelier_jobs_queued"] == 0
    assert told["atelier_spool_free_bytes"] > 0
    assert told["atelier_worker_ends_total"] == 0
    assert told['atelier_host_memory_bytes{process="front"}'] > 10**7
    assert told['atelier_host_memory_bytes{process="worker 0"}'] > 10**7
    assert told["process_open_fds"] > 0
    assert any(re.fullmatch(r'atelier_build_info\{version="\d.*"\}', name) for name in told)
    assert not [name for name in told if "_created" in name]


def test_each_metric_is_in_the_documentation(watched: Server) -> None:
    text = watched.client.get("/metrics").text
    served = set(re.findall(r"^# HELP (atelier_\w+?)(?:_total|_info)? ", text, re.M))
    table = (ROOT / "docs/operations.md").read_text()
    assert served == {name.removesuffix("_total") for name in re.findall(r"^\| `(atelier_\w+)`", table, re.M)}


def test_lines_of_one_request_share_its_ids_in_front_and_worker(watched: Server) -> None:
    headers = {"X-Request-Id": "follow-me", "traceparent": TRACEPARENT}
    answer = watched.client.post("/invocations", json={"type": "probe", "id": "seen", "then": "bug"}, headers=headers)
    assert answer.status_code == 500
    lines = [json.loads(line) for line in watched.log.read_text().splitlines() if "follow-me" in line]
    assert {"job ended", "request", "a job failed unexpectedly"} <= {line["message"] for line in lines}
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert {line["job"] for line in lines if line["message"] != "request"} == {"seen"}


def test_what_is_asked_every_few_seconds_is_not_logged(watched: Server) -> None:
    watched.client.get("/ping")
    watched.client.get("/metrics")
    lines = [json.loads(line) for line in watched.log.read_text().splitlines()]
    assert not {line.get("route") for line in lines if line.get("status") == 200} & {"/ping", "/metrics"}


def test_a_broken_traceparent_is_no_trace(watched: Server) -> None:
    for wrong in ("00-xyz-1-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", ""):
        watched.client.get("/api/models", headers={"traceparent": wrong, "X-Request-Id": "no-trace"})
    eventually(lambda: watched.log.read_text().count("no-trace") == 3)  # the line follows the answer
    lines = [json.loads(line) for line in watched.log.read_text().splitlines() if "no-trace" in line]
    assert not any("trace_id" in line for line in lines)


def test_spans_of_a_job_follow_one_another_within_the_request() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traced = Tracing(provider.get_tracer("test"))
    with traced.request({"traceparent": TRACEPARENT}, "POST /invocations"):
        context = traced.here()
    timings = {"fetch_s": 0.1, "queue_s": 0.2, "denoise_s": 0.3, "network_s": 0.25, "store_s": 0.1}
    traced.job(context, {"atelier.job": "one"}, time.monotonic() - 1, timings)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"POST /invocations", "job", "fetch", "queue", "denoise", "store"}
    assert {format(span.context.trace_id, "032x") for span in spans.values() if span.context} == {TRACE}
    request, job = spans["POST /invocations"], spans["job"]
    assert job.parent
    assert request.context
    assert job.parent.span_id == request.context.span_id
    assert spans["queue"].start_time == spans["fetch"].end_time
    stage = spans["denoise"].parent
    assert stage
    assert job.context
    assert stage.span_id == job.context.span_id


def test_spans_of_a_served_request_reach_a_collector(tmp_path: Path) -> None:
    received: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Not on stderr."""

    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{collector.server_port}"
    try:
        with serving(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_BSP_SCHEDULE_DELAY=100) as server:
            server.client.post("/invocations", json={"type": "probe"}, headers={"traceparent": TRACEPARENT})
            eventually(lambda: {"job", "store", "POST /invocations"} <= {span.name for span in spans_in(received)})
        assert bytes.fromhex(TRACE) in {span.trace_id for span in spans_in(received)}
    finally:
        collector.shutdown()
        collector.server_close()


def spans_in(messages: list[bytes]) -> list[Span]:
    requests = [ExportTraceServiceRequest.FromString(message) for message in messages]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
