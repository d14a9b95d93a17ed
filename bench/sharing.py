"""Try-ons that share forwards at every step, against the same try-ons one at a time."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.clients import closed_loop
from bench.processor import worker_cpu_s
from bench.report import Report, Row, percentile
from tests.server import Server, serving

CLIENTS, EACH, ROUNDS, STEPS = 8, 2, 3, 10
# What is measured -> settings of its server. A try-on with guidance has two rows.
SERVERS = {
    "one at a time": {"MAX_LIVE_JOBS": 1, "MAX_BATCH_ROWS": 0},
    "8 live, nothing shared": {"MAX_LIVE_JOBS": 8, "MAX_BATCH_ROWS": 0},
    "8 live, 8 rows a forward": {"MAX_LIVE_JOBS": 8, "MAX_BATCH_ROWS": 8},
    "8 live, 16 rows a forward": {"MAX_LIVE_JOBS": 8, "MAX_BATCH_ROWS": 16},
}


@dataclass
class Measured:
    """One server's rounds."""

    per_second: list[float] = field(default_factory=list)  # of each round
    cpu_s: list[float] = field(default_factory=list)  # of the worker for one try-on, of each round
    seconds: list[float] = field(default_factory=list)  # of each try-on
    rows: float = 0.0  # of the mean forward


def main() -> None:
    report = Report(
        name="sharing",
        title="Try-ons that share forwards",
        how=f"{CLIENTS} clients in a closed loop, {EACH} try-ons each a round ({STEPS} steps of 192 x 256, demo pack, "
        f"inline answers), {ROUNDS} rounds, the servers taking turns. The networks run on one core "
        "(OMP_NUM_THREADS=1). Medians of the rounds; ratios are to the same round's baseline, of the throughput and of "
        "the worker's processor time for a try-on, which other work on the machine hardly touches.",
    )
    measured = {name: Measured() for name in SERVERS}
    with ExitStack() as stack:
        servers = {name: start(stack, settings) for name, settings in SERVERS.items()}
        for server in servers.values():
            closed_loop(server.url, CLIENTS, lambda done: done == 1, steps=1)  # warms up
        for _ in range(ROUNDS):
            for name, server in servers.items():
                one_round(server, measured[name])
        for name, server in servers.items():
            measured[name].rows = rows_a_forward(server)
    baseline = next(iter(measured.values()))
    report.rows = [row(name, result, baseline) for name, result in measured.items()]
    report.publish()


def start(stack: ExitStack, settings: dict[str, int]) -> Server:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    return stack.enter_context(serving(Path(folder), module="container", ENGINES="tryon", **settings))


def one_round(server: Server, into: Measured) -> None:
    began, used_s = time.perf_counter(), worker_cpu_s(server)
    seconds = closed_loop(server.url, CLIENTS, lambda done: done == EACH, steps=STEPS)
    into.per_second.append(len(seconds) / (time.perf_counter() - began))
    into.cpu_s.append((worker_cpu_s(server) - used_s) / len(seconds))
    into.seconds += seconds


def rows_a_forward(server: Server) -> float:
    """Mean over all forwards, encoding and decoding included."""
    time.sleep(1.5)  # the worker tells every second
    text = server.client.get("/metrics").text
    counts = re.findall(r'^atelier_forwards_total\{rows="(\d+)"\} (\S+)', text, re.MULTILINE)
    return sum(int(rows) * float(n) for rows, n in counts) / sum(float(n) for _, n in counts)


def row(name: str, result: Measured, baseline: Measured) -> Row:
    faster = ratios(result.per_second, baseline.per_second)
    cheaper = ratios(baseline.cpu_s, result.cpu_s)
    return {
        "server": name,
        "try-ons/s": median(result.per_second),
        "ratio": median(faster),
        "rounds": f"{min(faster):.2f} to {max(faster):.2f}",
        "worker CPU s": median(result.cpu_s),
        "CPU ratio": median(cheaper),
        "CPU rounds": f"{min(cheaper):.2f} to {max(cheaper):.2f}",
        "latency p50 s": percentile(result.seconds, 0.50),
        "latency p95 s": percentile(result.seconds, 0.95),
        "rows a forward": result.rows,
    }


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    return [numerator / denominator for numerator, denominator in zip(numerators, denominators, strict=True)]


if __name__ == "__main__":
    main()
