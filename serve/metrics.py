"""What `/metrics` shows. Few labels: each combination is a series somebody pays for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import prometheus_client
import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # two a decade, from a ping to an avatar

# When a series was made is of no use to anybody, and doubles what is stored.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The service's counters, in a registry of their own."""

    def __init__(self, version: str = "unknown") -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        build = Info("atelier_build", "Which version runs.", registry=self._registry)
        build.info({"version": version})
        self.stage_seconds = Histogram(
            "atelier_stage_seconds",
            "Seconds of a finished job: queue, fetch, the engine's stages, its share of the device (network), store.",
            ["engine", "stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.job_seconds = Histogram(
            "atelier_job_seconds",
            "Seconds of a job from its claim to its end, whatever that was.",
            ["engine"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.response_seconds = Histogram(
            "atelier_response_seconds",
            "Seconds of an HTTP answer, a stream's to its end.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.jobs = Counter("atelier_jobs", "Jobs ended, by code.", ["engine", "code"], registry=self._registry)
        self.responses = Counter("atelier_responses", "HTTP answers.", ["route", "status"], registry=self._registry)
        self.forwards = Counter(
            "atelier_forwards", "Forwards, by how many rows shared them.", ["rows"], registry=self._registry
        )
        self.remembered = Counter(
            "atelier_cache_lookups",
            "Encoded pictures and labels sought among those kept: hit or miss.",
            ["result"],
            registry=self._registry,
        )
        self.worker_ends = Counter("atelier_worker_ends", "Workers that died or were killed.", registry=self._registry)
        self.live_jobs = Gauge("atelier_jobs_live", "Jobs accepted and not ended.", registry=self._registry)
        self.workers_ready = Gauge("atelier_workers_ready", "Workers ready for jobs.", registry=self._registry)
        self.device_bytes = Gauge(
            "atelier_device_memory_bytes",
            "Memory of a worker's card in use; 0: it has none.",
            ["worker"],
            registry=self._registry,
        )

    def watch(
        self, *, waiting: Callable[[], int], spool_free: Callable[[], int], workers: Callable[[], Mapping[int, int]]
    ) -> None:
        """What is only looked at when somebody asks.

        Args:
            waiting: how many live jobs have not begun.
            spool_free: bytes free where jobs are kept.
            workers: worker -> process id.
        """
        queued = Gauge("atelier_jobs_queued", "Jobs accepted that wait for their turn.", registry=self._registry)
        queued.set_function(waiting)
        free = Gauge("atelier_spool_free_bytes", "Bytes free where jobs are kept.", registry=self._registry)
        free.set_function(spool_free)
        self._registry.register(_HostMemory(workers))

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self._registry)


class _HostMemory(Collector):
    """The host's memory that our processes hold."""

    def __init__(self, workers: Callable[[], Mapping[int, int]]) -> None:
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("atelier_host_memory_bytes", "Resident memory of our processes.", labels=["process"])
        family.add_metric(["front"], psutil.Process().memory_info().rss)
        for worker, pid in self._workers().items():
            try:
                family.add_metric([f"worker {worker}"], psutil.Process(pid).memory_info().rss)
            except psutil.Error:  # it died at this moment
                continue
        yield family
