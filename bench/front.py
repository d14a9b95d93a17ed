"""What the front adds: a no-op engine through the whole service, against a bare FastAPI app."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

import httpx

from bench.apps import serving_app
from bench.clients import Send, at_random, back_to_back, evenly, open_loop
from bench.report import Report, Row, Target, percentile
from tests.server import serving

PER_SECOND, BLOCK_S, BLOCKS = 20, 3.0, 5
MOST_ADDED_MS = 10
BARE, OURS = "bare FastAPI app", "Atelier, no-op engine"
# How requests follow each other decides, on a kept connection, whether delayed acknowledgements can hurt.
EVENLY, AT_RANDOM, BACK_TO_BACK = f"{PER_SECOND}/s, evenly", f"{PER_SECOND}/s, at random", "back to back"

Taken = dict[tuple[str, str], list[list[float]]]  # (pattern, service) -> block -> seconds of each request


def main() -> None:
    report = Report(
        name="front",
        title="What the front adds to a no-op engine",
        how=f"{BLOCKS} blocks of {BLOCK_S * PER_SECOND:g} requests on each service, taking turns, over kept "
        "connections. Atelier validates, claims a job directory, has a worker process run an engine that does "
        "nothing, reads its result and answers; the bare app parses JSON and answers. At 20/s the loop is open and "
        "times run from when a request was due; back to back, one client waits for each answer.",
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as server,
        serving_app("bench.bare:bare") as app,
    ):
        taken = asyncio.run(measure({BARE: app.url, OURS: server.url}))
    report.rows = [row(pattern, service, blocks) for (pattern, service), blocks in taken.items()]
    report.targets = [
        Target(f"p50 added, {pattern}, median of the blocks", added_ms(taken, pattern), MOST_ADDED_MS, "ms")
        for pattern in (EVENLY, AT_RANDOM, BACK_TO_BACK)
    ]
    report.publish()


async def measure(urls: dict[str, str]) -> Taken:
    taken: Taken = defaultdict(list)
    for pattern in (EVENLY, AT_RANDOM, BACK_TO_BACK):
        for block in range(BLOCKS + 1):
            for service, url in urls.items():
                seconds = await one_block(url, pattern, seed=block)
                if block:  # the first warms up
                    taken[pattern, service].append(seconds)
    return taken


async def one_block(url: str, pattern: str, seed: int) -> list[float]:
    async with httpx.AsyncClient(base_url=url) as http:

        async def send() -> None:
            (await http.post("/invocations", json={"type": "probe"})).raise_for_status()

        return await in_pattern(send, pattern, seed)


async def in_pattern(send: Send, pattern: str, seed: int) -> list[float]:
    if pattern == BACK_TO_BACK:
        return await back_to_back(send, int(PER_SECOND * BLOCK_S))
    return await open_loop(
        send, evenly(PER_SECOND, BLOCK_S) if pattern == EVENLY else at_random(PER_SECOND, BLOCK_S, seed)
    )


def added_ms(taken: Taken, pattern: str) -> float:
    pairs = zip(taken[pattern, BARE], taken[pattern, OURS], strict=True)
    return median(1000 * (median(ours) - median(bare)) for bare, ours in pairs)


def row(pattern: str, service: str, blocks: list[list[float]]) -> Row:
    all_ms = [1000 * seconds for block in blocks for seconds in block]
    medians_ms = [1000 * median(block) for block in blocks]
    return {
        "requests": pattern,
        "service": service,
        "p50 ms": percentile(all_ms, 0.50),
        "p95 ms": percentile(all_ms, 0.95),
        "p99 ms": percentile(all_ms, 0.99),
        "p50 ms, blocks": f"{min(medians_ms):.1f} to {max(medians_ms):.1f}",
    }


if __name__ == "__main__":
    main()
