"""How long a try-on takes while an avatar is made beside it, against alone."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from bench.apps import START_S, add_server_options, server_settings
from bench.clients import Send, back_to_back, base64_png
from bench.report import Report, Row, Target, percentile
from bench.tryons import size_named, tryon_of
from model.engines.pack import EnginePack
from model.synthetic.datasets.loose_photos import loose_photos
from tests.server import Server, serving

BLOCKS, MOST_TIMES = 7, 2.5
PERSON, PHOTOS = 3, 4
MOST_PAUSE_S = 0.5  # between a client's try-ons, so that they meet every moment of an avatar
_TIMEOUT_S = 3600
ALONE, BESIDE, FAVOURED = "alone", "beside an avatar", "beside an avatar, ENGINE_SHARES=tryon=3,avatar=1"


@dataclass
class Measured:
    """One way, block after block."""

    blocks: list[list[float]] = field(default_factory=list)  # seconds of each try-on
    avatars_s: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        return [seconds for block in self.blocks for seconds in block]


def main() -> None:
    options = parsed()
    tryon = tryon_of(options.size, options.model_dir, options.steps)
    avatar = avatar_of(options.model_dir)
    report = Report(
        name="mixed",
        title="A try-on beside an avatar",
        how=f"Pack {options.model_dir}, {options.threads} thread(s) for the networks. One client sends try-ons "
        f"({tryon['width']} x {tryon['height']}, {tryon['steps']} steps) with random pauses of up to {MOST_PAUSE_S:g} "
        f"s, while one avatar of {PHOTOS} photos is made from its first stage to its last; then as many alone. "
        f"{options.blocks} blocks of each, in turns, after one that warms up.",
        device=options.device,
    )
    with ExitStack() as stack:
        equal, favouring = (start(stack, shares, options) for shares in ("", "tryon=3,avatar=1"))
        measured = {ALONE: Measured(), BESIDE: Measured(), FAVOURED: Measured()}
        for block in range(options.blocks + 1):
            turn = {BESIDE: asyncio.run(beside(equal.url, tryon, avatar, seed=block))}
            turn[ALONE] = asyncio.run(alone(equal.url, tryon, len(turn[BESIDE][0]), seed=block)), 0.0
            turn[FAVOURED] = asyncio.run(beside(favouring.url, tryon, avatar, seed=block))
            for way, (seconds, avatar_s) in turn.items() if block else ():
                measured[way].blocks.append(seconds)
                measured[way].avatars_s.append(avatar_s)
    usual_s = percentile(measured[ALONE].seconds, 0.95)
    report.rows = [row(way, result, usual_s) for way, result in measured.items()]
    times = percentile(measured[BESIDE].seconds, 0.95) / usual_s
    report.targets = [Target("p95 beside an avatar, over p95 alone", times, MOST_TIMES, "x")]
    report.publish()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.mixed", description=__doc__)
    add_server_options(parser)
    parser.add_argument("--size", type=size_named, default="96x128", help="of the try-ons")
    parser.add_argument("--steps", type=int, help="of the try-ons: another number than the pack's")
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    return parser.parse_args()


def avatar_of(model_dir: str) -> dict[str, Any]:
    """A request with drawn photos, at the pack's sizes and steps."""
    photos = [base64_png(photo) for photo in loose_photos(PERSON, PHOTOS, 768, 1024)]
    return {
        "type": "avatar",
        "photos": photos,
        "seed": 0,
        "deadline_s": _TIMEOUT_S - 100,
        **EnginePack(model_dir).defaults("up2you"),
    }


def start(stack: ExitStack, shares: str, options: argparse.Namespace) -> Server:
    settings = {
        **server_settings(options),
        "ENGINES": "catvton,up2you",
        "ENGINE_SHARES": shares,
        "MAX_INLINE_BYTES": 0,
        "OVERLOAD": "wait",
    }
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(serving(folder, START_S, module="container", **settings))


async def beside(url: str, tryon: dict[str, Any], avatar: dict[str, Any], seed: int) -> tuple[list[float], float]:
    """Seconds of each try-on that was sent while an avatar was made, and of the avatar."""
    pauses, taken = np.random.default_rng(seed), []
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
        began = time.perf_counter()
        making = asyncio.create_task(http.post("/invocations", json=avatar))
        await asyncio.sleep(MOST_PAUSE_S)
        while not making.done():
            taken += await back_to_back(sender(http, tryon, seed), 1)
            await asyncio.sleep(pauses.uniform(0, MOST_PAUSE_S))
        making.result().raise_for_status()
        return taken, time.perf_counter() - began


async def alone(url: str, tryon: dict[str, Any], requests: int, seed: int) -> list[float]:
    pauses, taken = np.random.default_rng(seed), []
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
        for _ in range(requests):
            taken += await back_to_back(sender(http, tryon, seed), 1)
            await asyncio.sleep(pauses.uniform(0, MOST_PAUSE_S))
    return taken


def sender(http: httpx.AsyncClient, tryon: dict[str, Any], seed: int) -> Send:
    async def send() -> None:
        (await http.post("/invocations", json=tryon | {"seed": seed})).raise_for_status()

    return send


def row(way: str, result: Measured, usual_s: float) -> Row:
    p95s = [percentile(block, 0.95) for block in result.blocks]
    return {
        "try-ons": way,
        "answers": len(result.seconds),
        "p50 ms": 1000 * percentile(result.seconds, 0.50),
        "p95 ms": 1000 * percentile(result.seconds, 0.95),
        "p95 ms, blocks": f"{1000 * min(p95s):.0f} to {1000 * max(p95s):.0f}",
        "p95 over alone": percentile(result.seconds, 0.95) / usual_s,
        "the avatar s": median(result.avatars_s),
    }


if __name__ == "__main__":
    main()
