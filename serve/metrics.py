"""What `/metrics` shows. Few labels: each combination is a series somebody pays for."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


class Metrics:
    """The service's counters, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.stage_seconds = Histogram(
            "atelier_stage_seconds",
            "Seconds of a finished job: queue, fetch, the engine's stages, its share of the device (network), store.",
            ["engine", "stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.jobs = Counter("atelier_jobs", "Jobs ended, by code.", ["engine", "code"], registry=self._registry)
        self.responses = Counter("atelier_responses", "HTTP answers.", ["route", "status"], registry=self._registry)
        self.forwards = Counter(
            "atelier_forwards", "Forwards, by how many rows shared them.", ["rows"], registry=self._registry
        )
        self.live_jobs = Gauge("atelier_jobs_live", "Jobs accepted and not ended.", registry=self._registry)
        self.workers_ready = Gauge("atelier_workers_ready", "Workers ready for jobs.", registry=self._registry)

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self._registry)
