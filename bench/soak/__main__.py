"""A soak (`make soak`, an hour): everything at once, workers killed, a storage that fails; and what is left of it."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.fuzz import MOST_GROWTH, PROCESSES, growth, mebibytes
from bench.report import Report, Row, Target, percentile
from bench.soak.crowd import AT_ONCE, ONE_IN, Crowd, Tally, crowd
from tests.server import Server, eventually, serving

ENGINES = "warp,catvton,ootdiffusion,template"
KILLED_S, KILLS_END = 30.0, 0.4  # seconds between two kills, at least; the share of the time in which they happen
MEASURED, WARM_S = 6, 120.0  # how often everybody goes and memory is read; seconds after the last kill
PING_S, MOST_PING_MS = 0.1, 50.0
_AFTER_START_S = 5.0  # that a worker's start still takes of the machine when it is ready
_PAUSE_S = 5.0  # more than a worker needs to notice that it has nothing to do
_TTL_S, _EXPIRED_S = 10, 90  # how long answers are kept, and until what has expired is erased
_CACHE_BYTES = 2**20


@dataclass
class Watch:
    """What was seen from outside. pings: when, and how long it took; starts: from when to when a worker started."""

    pings: list[tuple[float, float]] = field(default_factory=list)
    starts: list[tuple[float, float]] = field(default_factory=list)
    memory: list[Row] = field(default_factory=list)

    def undisturbed(self) -> list[float]:
        """Seconds of the pings that no worker's start was beside."""
        return [seconds for at, seconds in self.pings if not any(a <= at <= b for a, b in self.starts)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    seconds = options.minutes * 60
    report = Report(
        name="soak",
        title="A soak",
        how=f"{options.minutes:g} minutes, {AT_ONCE} visitors at once, each kind in turn: try-ons of three engines, "
        "inline and stored under ids, streams, avatars as jobs, clients that hang up, bodies that are almost right, "
        f"pages (demo pack). In the first {KILLS_END:.0%} of the time a worker is killed every "
        f"{_kill_every(seconds):.0f} s; "
        f"all the time one in {ONE_IN} requests to storage fails (an error, silence, or carried out and not answered). "
        "An end is an answer or a small, typed problem, and each request has one. Memory is the resident set of each "
        f"process after a pause with nobody there, of a worker that nobody has killed for {WARM_S:g} s; `/ping` is "
        "asked ten times a second.",
    )
    with crowd() as visitors, tempfile.TemporaryDirectory() as folder:
        settings = {
            "ENGINES": ENGINES,
            "S3_ENDPOINT_URL": visitors.s3_url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "secret-for-tests",
            "OUTPUT_PREFIX": "s3://results/out/",
            "S3_SILENCE_S": 2,
            "JOB_TTL_S": _TTL_S,
            "LATENT_CACHE_BYTES": _CACHE_BYTES,
            "GARMENT_CACHE_BYTES": _CACHE_BYTES,
            "OMP_NUM_THREADS": len(os.sched_getaffinity(0)),
        }
        with serving(Path(folder), module="container", **settings) as server:
            watch = watched(server, visitors, seconds)
            tally = visitors.leave()
            left = left_after(server)
    conclude(report, watch, tally, left)
    report.publish()
    for wrong in tally.wrong[:20]:
        print(wrong)
    return int(bool(tally.wrong or tally.mixed or left))


def _kill_every(seconds: float) -> float:
    return max(KILLED_S, seconds / 15)


def measured_at(seconds: float) -> list[float]:
    """When memory is read: in the second half, and not of a worker that still loads what it needs at first."""
    first = min(max(0.5 * seconds, KILLS_END * seconds + WARM_S), seconds)
    return [first + (seconds - first) * i / (MEASURED - 1) for i in range(MEASURED)]


def watched(server: Server, visitors: Crowd, seconds: float) -> Watch:
    """Ping, kill and measure for so long."""
    watch, began = Watch(), time.monotonic()
    kill_at = [
        began + _kill_every(seconds) * i for i in range(1, 100) if _kill_every(seconds) * i < KILLS_END * seconds
    ]
    measure_at = [began + at_s for at_s in measured_at(seconds)]
    visitors.come_to(server.url)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        while measure_at:
            now = time.monotonic()
            if kill_at and now >= kill_at[0]:
                kill_at.pop(0)
                killed(server, http, watch)
            elif now >= measure_at[0]:
                measure_at.pop(0)
                watch.memory.append(measured(server, visitors, now - began))
            else:
                ping(http, watch)
    return watch


def ping(http: httpx.Client, watch: Watch) -> None:
    """Once; then wait for the next time."""
    began = time.monotonic()
    http.get("/ping")
    taken = time.monotonic() - began
    watch.pings.append((began, taken))
    time.sleep(max(0.0, PING_S - taken))


def killed(server: Server, http: httpx.Client, watch: Watch) -> None:
    """Kill the worker, and go on pinging until the next one is ready."""
    began = time.monotonic()
    [worker] = server.workers()
    worker.kill()
    gone = worker.pid
    while [one.pid for one in server.workers()] in ([], [gone]) or "atelier_workers_ready 1.0" not in told(http):
        ping(http, watch)
    watch.starts.append((began, time.monotonic() + _AFTER_START_S))


def told(http: httpx.Client) -> str:
    return http.get("/metrics").text


def measured(server: Server, visitors: Crowd, at_s: float) -> Row:
    """Memory and files while nobody is there."""
    visitors.open.clear()
    eventually(lambda: "atelier_jobs_live 0.0" in server.client.get("/metrics").text)
    time.sleep(_PAUSE_S)
    front, [worker] = psutil.Process(server.process.pid), server.workers()
    row: Row = {
        "after s": at_s,
        "front MiB": mebibytes(front),
        "worker MiB": mebibytes(worker),
        "front's files": front.num_fds(),
        "worker's files": worker.num_fds(),
    }
    visitors.open.set()
    return row


def left_after(server: Server) -> list[str]:
    """Jobs whose directories are still there when all answers have expired."""
    deadline = time.monotonic() + _TTL_S + _EXPIRED_S
    while time.monotonic() < deadline and server.jobs():
        time.sleep(1.0)
    return [path.name for path in server.jobs()]


def conclude(report: Report, watch: Watch, tally: Tally, left: Sequence[str]) -> None:
    """Rows and targets."""
    for kind, ends in tally.kinds.items():
        shown = ", ".join(f"{end} {count}" for end, count in ends.most_common(6))
        report.rows.append({"visitor": kind, "requests": f"{ends.total()}", "ended": shown})
    report.more = {"Memory": watch.memory, "Storage": [{"faults": one, "met": n} for one, n in tally.faults.items()]}
    requests = sum(ends.total() for ends in tally.kinds.values())
    pings = 1000 * percentile(watch.undisturbed(), 0.99)
    report.targets = [
        Target(f"of {requests} requests those without one designed end", len(tally.wrong), 0, ""),
        Target(f"of {tally.stored} stored results those with another's files", tally.mixed, 0, ""),
        Target("job directories left when all answers had expired", len(left), 0, ""),
        Target(f"p99 of {len(watch.undisturbed())} pings with no worker starting", pings, MOST_PING_MS, "ms"),
        *(Target(f"growth of the {name}", growth(watch.memory, name), MOST_GROWTH, "%") for name in PROCESSES),
    ]
    report.how += (
        f" Workers killed: {len(watch.starts)}. Folders in storage without a manifest, of jobs that were given up: "
        f"{tally.unfinished}."
    )


if __name__ == "__main__":
    raise SystemExit(main())
