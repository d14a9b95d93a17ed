"""2,000 small try-ons, no two alike: front, worker and GPU hold no more after the last than after the first."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image

from bench.fuzz import AT_ONCE, MOST_GROWTH, PROCESSES, as_json, growth, post_all, row
from bench.report import Report, Row, Target
from tests.conftest import base64_of, encode
from tests.fuzz import Attempt, valid_tryon
from tests.server import Server, serving
from tests.untrained import untrained_pack

REQUESTS, BLOCKS = 2_000, 8
SIZES = ((64, 64), (64, 96), (96, 128))  # width, height
CACHE_BYTES = 2**20  # full long before the first row


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    block = options.requests // BLOCKS
    report = Report(
        name="growth",
        title="Thousands of try-ons",
        how=f"{options.requests} valid try-ons of random pictures, {AT_ONCE} at once, taking turns among the sizes "
        f"{', '.join(f'{width} x {height}' for width, height in SIZES)} (untrained pack, 1 step, a latent cache of "
        f"{CACHE_BYTES} bytes, which is always full). Memory is the resident set of each process after a pause, in "
        f"which a worker gives freed memory back. Before the first row: every size, 1 to {AT_ONCE} at once, because "
        f"oneDNN keeps kernels for each size and number of rows; then {block} others.",
        device=options.device,
    )
    sending = requests()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(
            Path(folder),
            MODEL_DIR=untrained_pack(),
            ENGINES="tryon",
            DEVICE=options.device,
            LATENT_CACHE_BYTES=CACHE_BYTES,
        ) as server,
    ):
        warm_up(server, sending, block)
        report.rows.append(gauged(server, 0, options.device))
        for done in range(block, options.requests + 1, block):
            send(server, list(islice(sending, block)))
            report.rows.append(gauged(server, done, options.device))
    parts = (*PROCESSES, "device") if options.device != "cpu" else PROCESSES
    report.targets = [
        Target(f"growth of the {name} over {options.requests} requests", growth(report.rows, name), MOST_GROWTH, "%")
        for name in parts
    ]
    report.publish()


def requests() -> Iterator[Attempt]:
    """Without end, no two alike."""
    generator = np.random.default_rng(0)
    while True:
        for size in SIZES:
            yield as_json(tryon(generator, size))


def tryon(generator: np.random.Generator, size: tuple[int, int]) -> dict[str, Any]:
    """One with pictures nobody has sent before."""
    person, garment = (
        base64_of(encode(Image.fromarray(generator.integers(0, 256, (64, 48, 3), dtype=np.uint8)))) for _ in range(2)
    )
    return valid_tryon() | {"person": person, "garment": garment, "width": size[0], "height": size[1]}


def warm_up(server: Server, sending: Iterator[Attempt], block: int) -> None:
    """Every size, one to all at once, and a block of all."""
    generator = np.random.default_rng(1)
    for size in SIZES:
        for at_once in range(1, AT_ONCE + 1):
            send(server, [as_json(tryon(generator, size) | {"steps": 10}) for _ in range(at_once)])
    send(server, list(islice(sending, block)))


def send(server: Server, block: list[Attempt]) -> None:
    """Send them.

    Raises:
        RuntimeError: one was refused.
    """
    for response in post_all(server, block):
        if response.status_code != httpx.codes.OK:
            raise RuntimeError(f"a valid try-on was answered {response.status_code}: {response.text[:300]}")


def gauged(server: Server, done: int, device: str) -> Row:
    """What everybody holds when there is nothing to do."""
    held = row(server, done, 0)
    del held["complaints"]
    if device != "cpu":
        free, total = torch.cuda.mem_get_info(device)  # seen from outside: the worker's and this process's own context
        held["device MiB"] = round((total - free) / 2**20, 1)
    return held


if __name__ == "__main__":
    main()
