"""What the front adds: a no-op engine through the whole service, against a bare FastAPI app."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import httpx

from bench.apps import App, serving_app
from bench.clients import Pattern, at_random, back_to_back, evenly, open_loop, until_over
from bench.pairs import PAIRS, Quartiles
from bench.processor import all_cpu_s
from bench.report import Report, Row, Target, percentile
from tests.server import serving

PER_SECOND, FLOOD_PER_SECOND, CLIENTS = 20, 200, 16
_TIMEOUT_S, _LIMITS = 60, httpx.Limits(max_connections=None)
# httpx looks through all its connections for every request: with hundreds waiting, it would be the client that is slow.
_POOLS = 16
MOST_P50_MS, MOST_P99_MS, MOST_ERRORS = 10, 25, 0
BARE, OURS = "bare FastAPI app", "Atelier, no-op engine"
# How requests follow each other decides, on a kept connection, whether delayed acknowledgements can hurt.
EVENLY, AT_RANDOM, BACK_TO_BACK = f"{PER_SECOND}/s, evenly", f"{PER_SECOND}/s, at random", "back to back"
FLOOD, CLOSED = f"{FLOOD_PER_SECOND}/s, evenly", f"{CLIENTS} in a closed loop"


@dataclass
class Measured:
    """One service under one pattern, block after block."""

    seconds: list[list[float]] = field(default_factory=list)  # of each request
    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)  # of the whole service for a request
    errors: int = 0

    @property
    def all_ms(self) -> list[float]:
        return [1000 * seconds for block in self.seconds for seconds in block]


Taken = dict[tuple[str, str], Measured]  # (pattern, service) -> what came of it


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.front", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each block")
    parser.add_argument("--blocks", type=int, default=PAIRS)
    options = parser.parse_args()
    report = Report(
        name="front",
        title="What the front adds to a no-op engine",
        how=f"{options.blocks} blocks of {options.seconds:g} s on each service, taking turns, over kept connections. "
        "Atelier validates, claims a job directory, has a worker process run an engine that does nothing, reads its "
        "result and answers; the bare app parses JSON and answers. At so many a second the loop is open and times run "
        "from when a request was due; back to back, one client waits for each answer; in the closed loop, "
        f"{CLIENTS}. The clients share the machine's cores. An error is anything but an answer of status 200.",
    )
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as ours, serving_app("bench.bare:bare") as bare:
        apps = {BARE: bare, OURS: App(ours.url, ours.process.pid)}
        taken = asyncio.run(measure(apps, options.blocks, options.seconds))
    report.rows = [row(pattern, service, measured) for (pattern, service), measured in taken.items()]
    report.targets = [
        *(Target(f"p50 added, {name}", added_ms(taken, name, 0.50), MOST_P50_MS, "ms") for name in (EVENLY, AT_RANDOM)),
        *(Target(f"p99 added, {name}", added_ms(taken, name, 0.99), MOST_P99_MS, "ms") for name in (EVENLY, AT_RANDOM)),
        Target(f"errors at {FLOOD}", taken[FLOOD, OURS].errors, MOST_ERRORS, ""),
    ]
    report.publish()


async def measure(apps: dict[str, App], blocks: int, seconds: float) -> Taken:
    taken: Taken = defaultdict(Measured)
    for name in (EVENLY, AT_RANDOM, BACK_TO_BACK, FLOOD, CLOSED):
        for block in range(blocks + 1):
            for service, app in apps.items() if block % 2 else reversed(apps.items()):
                into = taken[name, service] if block else Measured()  # the first warms up
                await one_block(app, name, pattern(name, seconds, seed=block), into)
    return taken


def pattern(name: str, seconds: float, seed: int) -> Pattern:
    patterns: dict[str, Pattern] = {
        EVENLY: partial(open_loop, due_s=evenly(PER_SECOND, seconds)),
        AT_RANDOM: partial(open_loop, due_s=at_random(PER_SECOND, seconds, seed)),
        BACK_TO_BACK: partial(back_to_back, requests=int(PER_SECOND * seconds)),
        FLOOD: partial(open_loop, due_s=evenly(FLOOD_PER_SECOND, seconds)),
        CLOSED: partial(until_over, clients=CLIENTS, seconds=seconds),
    }
    return patterns[name]


async def one_block(app: App, name: str, pattern: Pattern, into: Measured) -> None:
    async with AsyncExitStack() as stack:
        pools = cycle([await stack.enter_async_context(pool(app.url)) for _ in range(_POOLS if name == FLOOD else 1)])

        async def send() -> None:
            try:
                (await next(pools).post("/invocations", json={"type": "probe"})).raise_for_status()
            except httpx.HTTPError:
                into.errors += 1

        used_s, began = all_cpu_s(app.pid), asyncio.get_running_loop().time()
        seconds = await pattern(send)
        into.seconds.append(seconds)
        into.per_second.append(len(seconds) / (asyncio.get_running_loop().time() - began))
        into.cpu_ms.append(1000 * (all_cpu_s(app.pid) - used_s) / len(seconds))


def pool(url: str) -> httpx.AsyncClient:
    """Kept connections. What would check certificates takes long to make, and there are none."""
    return httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, limits=_LIMITS, verify=False)  # noqa: S501


def added_ms(taken: Taken, name: str, share: float) -> float:
    """By which a percentile of all requests of one pattern is later."""
    return percentile(taken[name, OURS].all_ms, share) - percentile(taken[name, BARE].all_ms, share)


def row(name: str, service: str, measured: Measured) -> Row:
    medians_ms = [1000 * median(block) for block in measured.seconds]
    return {
        "requests": name,
        "service": service,
        "p50 ms": percentile(measured.all_ms, 0.50),
        "p95 ms": percentile(measured.all_ms, 0.95),
        "p99 ms": percentile(measured.all_ms, 0.99),
        "p50 ms, blocks": f"{min(medians_ms):.1f} to {max(medians_ms):.1f}",
        "per s": str(Quartiles.of(measured.per_second)),
        "CPU ms": median(measured.cpu_ms),
        "errors": measured.errors,
    }


if __name__ == "__main__":
    main()
