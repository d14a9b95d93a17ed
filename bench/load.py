"""Try-ons over HTTP: one to 32 clients, shares of what the server can do, and eight at once against one at a time."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.apps import START_S, App, add_server_options, server_settings, serving_app
from bench.clients import Pattern, at_random, open_loop, until_over
from bench.pairs import PAIRS, Pairs, Quartiles
from bench.processor import all_cpu_s
from bench.report import Report, Row, Target, percentile
from bench.tryons import Loaded, levels_apart, load, sizes, tryon_of
from tests.server import serving

CLIENTS, AT_ONCE = [1, 2, 4, 8, 16, 32], 8
SHARES = (0.5, 0.8, 0.95)
LEAST_GAIN, MOST_LEVELS = 1.3, 2
PLAIN, ALONE, TOGETHER = "plain, one at a time", "one at a time", f"{AT_ONCE} at once"


def main() -> None:
    options = parsed()
    report = Report(
        name="load",
        title="Try-ons over HTTP",
        how=f"Pack {options.model_dir}, {options.threads} thread(s) for the networks of each server, photos of the "
        "size that is computed, inline answers. Closed loops: each client sends its next try-on when its last is "
        f"answered, for {options.seconds:g} s. Open loops: at random times for as long, at shares of the most that a "
        "closed loop got through; times run from when a try-on was due. Queue: the share of all waiting that was for "
        "a place on the device. Plain: a bare FastAPI app with a lock around stock diffusers. Gains are of "
        f"{AT_ONCE} clients at once, {options.pairs} pairs in turn, median (quartiles): of throughput, and of the "
        "processor time of the whole server for a try-on, which other work on the machine hardly touches.",
        device=options.device,
    )
    with servers(options) as (ours, plain):
        for size in options.sizes:
            body = tryon_of(size, options.model_dir, options.steps)
            name = f"{size[0]} x {size[1]}, {body['steps']} steps"
            differs = levels_apart((ours.url, plain.url), body)
            report.targets.append(Target(f"{name}: difference to plain", differs, MOST_LEVELS, "levels"))
            report.rows += loops(ours, body, name, options)
            rows, targets = gains({PLAIN: (plain, 1), ALONE: (ours, 1), TOGETHER: (ours, AT_ONCE)}, body, name, options)
            report.rows += rows
            report.targets += targets
    report.publish()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    add_server_options(parser)
    parser.add_argument("--sizes", type=sizes, default="96x128,192x256")
    parser.add_argument("--steps", type=int, help="another number than the pack's")
    parser.add_argument("--clients", type=numbers, default=CLIENTS, help="of the closed loops, such as 1,8")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each loop")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="each of a third as long")
    return parser.parse_args()


def numbers(words: str) -> list[int]:
    return [int(word) for word in words.split(",")]


@contextmanager
def servers(options: argparse.Namespace) -> Iterator[tuple[App, App]]:
    """Ours and the plain one, side by side; one is asked at a time."""
    environment = server_settings(options)
    patient: dict[str, Any] = {"ENGINES": "catvton", "OVERLOAD": "wait", "DEADLINE_S": 600}
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), START_S, module="container", **patient, **environment) as ours,
        serving_app("bench.plain.service:plain_service", environment) as plain,
    ):
        yield App(ours.url, ours.process.pid), plain


def loops(ours: App, body: dict[str, Any], name: str, options: argparse.Namespace) -> Iterator[Row]:
    """Closed loops, then open ones at shares of the best of them."""
    asyncio.run(load(ours.url, [body], closed(max(options.clients), options.seconds / 3)))  # warms up
    most = 0.0
    for clients in options.clients:
        loaded = asyncio.run(load(ours.url, [body], closed(clients, options.seconds)))
        most = max(most, loaded.per_second)
        yield row(name, f"{clients} in a closed loop", loaded)
    for share in SHARES:
        due_s = at_random(share * most, options.seconds, seed=0)
        loaded = asyncio.run(load(ours.url, [body], partial(open_loop, due_s=due_s)))
        yield row(name, f"open loop, {share * most:.3g}/s ({share:.0%})", loaded)


def closed(clients: int, seconds: float) -> Pattern:
    return partial(until_over, clients=clients, seconds=seconds)


def gains(
    ways: dict[str, tuple[App, int]], body: dict[str, Any], name: str, options: argparse.Namespace
) -> tuple[list[Row], list[Target]]:
    """How much more gets through when clients come at once: over the plain way, and over ourselves."""
    measured = {way: Loaded() for way in ways}
    pairs = {way: Pairs() for way in (PLAIN, ALONE)}
    for i in range(options.pairs + 1):
        turn = {}
        for way in ways if i % 2 else reversed(ways):
            app, clients = ways[way]
            used_s = all_cpu_s(app.pid)
            loaded = asyncio.run(load(app.url, [body], closed(clients, options.seconds / 3)))
            turn[way] = loaded, (all_cpu_s(app.pid) - used_s) / len(loaded.seconds)
        if i:  # the first warms up
            for way, (loaded, _) in turn.items():
                measured[way] += loaded
            for way, taken in pairs.items():
                for (loaded, cpu_s), into_s, into_cpu_s in (
                    (turn[way], taken.plain_s, taken.plain_cpu_s),
                    (turn[TOGETHER], taken.ours_s, taken.ours_cpu_s),
                ):
                    into_s.append(1 / loaded.per_second)
                    into_cpu_s.append(cpu_s)
    rows = [row(name, way, measured[way], pairs.get(way)) for way in ways]
    targets = [
        Target(f"{name}: {TOGETHER} over {way}", Quartiles.of(taken.ratios).median, LEAST_GAIN, "x", at_least=True)
        for way, taken in pairs.items()
    ]
    return rows, targets


def row(name: str, asked: str, loaded: Loaded, gained: Pairs | None = None) -> Row:
    return {
        "try-ons": name,
        "clients": asked,
        "answers": len(loaded.seconds),
        "per s": loaded.per_second,
        "p50 ms": 1000 * percentile(loaded.seconds, 0.50),
        "p95 ms": 1000 * percentile(loaded.seconds, 0.95),
        "p99 ms": 1000 * percentile(loaded.seconds, 0.99),
        "queue %": 100 * loaded.queue_share,
        f"gain of {TOGETHER}": str(Quartiles.of(gained.ratios)) if gained else "",
        "by processor time": str(Quartiles.of(gained.cpu_ratios)) if gained else "",
    }


if __name__ == "__main__":
    main()
