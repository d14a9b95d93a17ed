"""Three ways to bring try-ons together: at every step, only as they start, or not at all."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, cycle
from pathlib import Path
from statistics import median
from typing import Any

from bench.apps import START_S, App, add_server_options, server_settings
from bench.clients import Pattern, at_random, open_loop, until_over
from bench.processor import all_cpu_s
from bench.report import Report, Row, percentile
from bench.tryons import Loaded, load, sizes, tryon_of
from tests.server import serving

WAYS = ("steps", "requests", "off")
CLIENTS, SHARES = 8, (0.5, 0.8, 1.2)
ROUNDS = 3
EVERY, TIMES_THE_STEPS, BUSY = 5, 10, 0.8  # one in five try-ons takes ten times the steps; the load of the device


@dataclass
class Measured:
    """One way under one load."""

    loaded: Loaded = field(default_factory=Loaded)
    usual_s: list[float] = field(default_factory=list)  # of each try-on that has no more steps than the others
    per_second: list[float] = field(default_factory=list)  # of each round
    cpu_s: list[float] = field(default_factory=list)  # of the whole server for a try-on, of each round


def main() -> None:
    options = parsed()
    report = Report(
        name="_".join(["scheduling", *[options.device.split(":")[0]] * (options.device != "cpu")]),
        title="Three ways to bring try-ons together",
        how=f"`BATCHING` is `steps` (who comes shares the next forward), `requests` (who waits starts together, and "
        "nobody joins) or `off` (one at a time). A server of each with the same settings, taking turns, "
        f"{options.rounds} rounds; pack {options.model_dir}, {options.threads} thread(s) for the networks. The loads: "
        f"{CLIENTS} clients in a closed loop for {options.seconds:g} s; then try-ons that come at random times for as "
        f"long, the same for all, at shares of what `steps` got through in the closed loop. Latency is of all rounds, "
        "and runs from when a try-on was due; throughput and processor time (of the whole server, for a try-on) are "
        f"medians of the rounds. Last, every {EVERY}th try-on has {TIMES_THE_STEPS} times the steps, and there are as "
        f"many as make {BUSY:.0%} of those steps: latency is that of the others.",
        device=options.device,
    )
    with ExitStack() as stack:
        apps = {way: start(stack, way, options) for way in WAYS}
        for size in options.sizes:
            body = tryon_of(size, options.model_dir, options.steps)
            name = f"{size[0]} x {size[1]}, {body['steps']} steps"
            for asked, measured in under_all_loads(apps, body, options).items():
                report.rows += [row(name, asked, way, result) for way, result in measured.items()]
                report.save()
    report.publish()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.scheduling", description=__doc__)
    add_server_options(parser)
    parser.add_argument("--rows", type=int, default=8, help="MAX_BATCH_ROWS of each server")
    parser.add_argument("--sizes", type=sizes, default="96x128,192x256")
    parser.add_argument("--steps", type=int, help="another number than the pack's")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


def start(stack: ExitStack, way: str, options: argparse.Namespace) -> App:
    settings = {
        **server_settings(options),
        "MAX_BATCH_ROWS": options.rows,
        "BATCHING": way,
        "ENGINES": "catvton",
        "OVERLOAD": "wait",
        "DEADLINE_S": 600,
    }
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    server = stack.enter_context(serving(folder, START_S, module="container", **settings))
    return App(server.url, server.process.pid)


def under_all_loads(
    apps: dict[str, App], body: dict[str, Any], options: argparse.Namespace
) -> dict[str, dict[str, Measured]]:
    """What is asked -> way -> what came of it."""
    closed = partial(until_over, clients=CLIENTS, seconds=options.seconds)
    for app in apps.values():
        warming_up = partial(until_over, clients=CLIENTS, seconds=options.seconds / 3)
        asyncio.run(load(app.url, [body], warming_up))
    measured = {f"{CLIENTS} in a closed loop": in_turns(apps, [body], [closed] * options.rounds)}
    most = median(measured[f"{CLIENTS} in a closed loop"]["steps"].per_second)
    for share in SHARES:
        arrivals = [at_random(share * most, options.seconds, seed) for seed in range(options.rounds)]
        asked = f"open loop, {share * most:.3g}/s ({share:.0%})"
        measured[asked] = in_turns(apps, [body], arriving(arrivals))
    bodies = [body] * (EVERY - 1) + [body | {"steps": TIMES_THE_STEPS * body["steps"]}]
    rate = BUSY * most * EVERY / (EVERY - 1 + TIMES_THE_STEPS)
    arrivals = [at_random(rate, options.seconds, seed) for seed in range(options.rounds)]
    unequal = in_turns(apps, bodies, arriving(arrivals))
    measured[f"open loop, {rate:.3g}/s, every {EVERY}th with {bodies[-1]['steps']} steps"] = unequal
    return measured


def arriving(arrivals: list[list[float]]) -> list[Pattern]:
    return [partial(open_loop, due_s=due_s) for due_s in arrivals]


def in_turns(apps: dict[str, App], bodies: list[dict[str, Any]], rounds: list[Pattern]) -> dict[str, Measured]:
    measured = {way: Measured() for way in apps}
    for i, pattern in enumerate(rounds):
        for way, app in list(apps.items()) if i % 2 == 0 else reversed(apps.items()):
            used_s = all_cpu_s(app.pid)
            loaded = asyncio.run(load(app.url, bodies, pattern))
            measured[way].cpu_s.append((all_cpu_s(app.pid) - used_s) / len(loaded.seconds))
            measured[way].per_second.append(loaded.per_second)
            measured[way].loaded += loaded
            usual = [body is bodies[0] for body, _ in zip(cycle(bodies), loaded.seconds, strict=False)]
            measured[way].usual_s += compress(loaded.seconds, usual)
    return measured


def row(name: str, asked: str, way: str, result: Measured) -> Row:
    return {
        "try-ons": name,
        "clients": asked,
        "BATCHING": way,
        "answers": len(result.loaded.seconds),
        "per s": median(result.per_second),
        "per s, rounds": f"{min(result.per_second):.3g} to {max(result.per_second):.3g}",
        "p50 s": percentile(result.usual_s, 0.50),
        "p95 s": percentile(result.usual_s, 0.95),
        "queue %": 100 * result.loaded.queue_share,
        "CPU s": median(result.cpu_s),
    }


if __name__ == "__main__":
    main()
