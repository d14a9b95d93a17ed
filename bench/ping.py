"""`/ping` while clients saturate the device with try-ons, against `/ping` on the same server when it is idle."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.clients import at_random, closed_loop, open_loop
from bench.processor import worker_cpu_s
from bench.report import Report, Row, Target, percentile
from tests.server import serving

PER_SECOND, BLOCK_S, BLOCKS = 20, 5.0, 3
CLIENTS = 8
MOST_P99_MS = 50
_UNTIL_SATURATED_S = 3.0  # the clients' process starts, and their first jobs go live


def main() -> None:
    cores = os.cpu_count() or 1
    report = Report(
        name="ping",
        title="/ping while the device is saturated",
        how=f"{PER_SECOND} pings/s at random times, {BLOCKS} blocks of {BLOCK_S:g} s idle and as many saturated, in "
        f"turns. Saturated: {CLIENTS} clients in a closed loop of try-ons with the demo pack (photos of 576 x 768 "
        f"inline, 192 x 256, 20 steps); the networks may use all {cores} cores (OMP_NUM_THREADS={cores}).",
    )
    idle: list[list[float]] = []
    saturated: list[list[float]] = []
    busy: list[float] = []
    settings: dict[str, Any] = {"ENGINES": "catvton", "OMP_NUM_THREADS": cores}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), module="container", **settings) as server:
        asyncio.run(pings(server.url, 0))  # warms up
        for block in range(BLOCKS):
            idle.append(asyncio.run(pings(server.url, block)))
            with saturating(server.url):
                began, used_s = time.monotonic(), worker_cpu_s(server)
                saturated.append(asyncio.run(pings(server.url, block)))
                busy.append((worker_cpu_s(server) - used_s) / (time.monotonic() - began))
    report.rows = [row("idle", idle, 0.0), row("saturated", saturated, median(busy))]
    p99_ms = 1000 * percentile([seconds for block in saturated for seconds in block], 0.99)
    report.targets = [Target("p99 while saturated", p99_ms, MOST_P99_MS, "ms")]
    report.publish()


async def pings(url: str, seed: int) -> list[float]:
    async with httpx.AsyncClient(base_url=url) as http:

        async def ping() -> None:
            (await http.get("/ping")).raise_for_status()

        return await open_loop(ping, at_random(PER_SECOND, BLOCK_S, seed))


@contextmanager
def saturating(url: str) -> Iterator[None]:
    """Clients in a process of their own, so that they do not take the pinging process's time."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=try_on_until, args=(url, stop))
    process.start()
    try:
        time.sleep(_UNTIL_SATURATED_S)
        yield
        if not process.is_alive():
            raise RuntimeError(f"the clients ended early with status {process.exitcode}")
    finally:
        stop.set()
        process.join()


def try_on_until(url: str, stop: Event) -> None:
    closed_loop(url, CLIENTS, lambda done: stop.is_set())


def row(name: str, blocks: list[list[float]], busy: float) -> Row:
    all_ms = [1000 * seconds for block in blocks for seconds in block]
    p99s_ms = [1000 * percentile(block, 0.99) for block in blocks]
    return {
        "server": name,
        "pings": len(all_ms),
        "p50 ms": percentile(all_ms, 0.50),
        "p95 ms": percentile(all_ms, 0.95),
        "p99 ms": percentile(all_ms, 0.99),
        "p99 ms, blocks": f"{min(p99s_ms):.1f} to {max(p99s_ms):.1f}",
        "worker, cores": busy,
    }


if __name__ == "__main__":
    main()
