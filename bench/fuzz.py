"""20,000 requests that are almost right: every answer is a result or a small problem, and memory stays flat."""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.report import Report, Row, Target
from tests.fuzz import Attempt, attempts, complaint, valid_tryon
from tests.server import Server, serving
from tests.untrained import untrained_pack

REQUESTS, BLOCK, AT_ONCE, SEED = 20_000, 2_000, 8, 1
WARM_UP_STEPS = 10  # long enough for jobs sent at once to meet
PAUSE_S = 4.0  # more than a worker needs to notice that it has nothing to do
PROCESSES = ("front", "worker")
MOST_GROWTH = 2.0  # percent


def main() -> None:
    report = Report(
        name="fuzz",
        title="Requests that are almost right",
        how=f"{REQUESTS} variations of a valid try-on with one to three things wrong, {AT_ONCE} at once "
        f"(`tests/fuzz.py`, untrained pack). A complaint is an answer that is neither a result nor a small, typed "
        f"problem. Memory is the resident set of each process after a pause, in which a worker gives freed memory "
        f"back. "
        f"Before the first request: every size a variation can have, 1 to {AT_ONCE} at once, because oneDNN keeps up "
        f"to 1024 kernels, made for one size and number of rows each; then {BLOCK} other variations.",
    )
    complaints: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), MODEL_DIR=untrained_pack(), ENGINES="") as server,
    ):
        warm_up(server)
        report.rows.append(row(server, 0, 0))
        sending = attempts(valid_tryon(), SEED, REQUESTS)
        for done in range(BLOCK, REQUESTS + 1, BLOCK):
            complaints += send_all(server, list(islice(sending, BLOCK)))
            report.rows.append(row(server, done, len(complaints)))
    for wrong in complaints[:20]:
        print(wrong)
    report.targets = [
        Target("complaints", len(complaints), 0, ""),
        *(
            Target(f"growth of the {name} over {REQUESTS} requests", growth(report.rows, name), MOST_GROWTH, "%")
            for name in PROCESSES
        ),
    ]
    report.publish()


def warm_up(server: Server) -> None:
    """Every size a variation can have, 1 to 8 at once, and a block of other variations.

    Raises:
        RuntimeError: one was refused, so it warmed nothing.
    """
    body = valid_tryon() | {"steps": WARM_UP_STEPS}
    for absent in ((), ("width",), ("height",), ("width", "height")):
        attempt = as_json({name: value for name, value in body.items() if name not in absent})
        for at_once in range(1, AT_ONCE + 1):
            for response in post_all(server, [attempt] * at_once):
                if response.status_code != httpx.codes.OK:
                    raise RuntimeError(f"the warm-up was answered {response.status_code}: {response.text[:300]}")
    send_all(server, list(attempts(valid_tryon(), SEED + 1, BLOCK)))


def as_json(body: dict[str, Any]) -> Attempt:
    return Attempt(json.dumps(body).encode(), {"Content-Type": "application/json"})


def post_all(server: Server, block: list[Attempt]) -> list[httpx.Response]:
    """Their answers, in order."""
    with httpx.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: client.post("/invocations", content=one.content, headers=one.headers), block))


def send_all(server: Server, block: list[Attempt]) -> list[str]:
    """Send them; returns what is wrong with the answers."""
    answered = zip(block, post_all(server, block), strict=True)
    return [
        f"{wrong}\nto {attempt.headers} {attempt.content[:500]!r}"
        for attempt, response in answered
        if (wrong := complaint(response))
    ]


def row(server: Server, done: int, complaints: int) -> Row:
    """What each process holds when it has nothing to do."""
    time.sleep(PAUSE_S)
    [worker] = server.workers()
    front = psutil.Process(server.process.pid)
    return {
        "requests": f"{done}",
        "complaints": complaints,
        "front MiB": mebibytes(front),
        "worker MiB": mebibytes(worker),
    }


def mebibytes(process: psutil.Process) -> float:
    return round(process.memory_info().rss / 2**20, 1)


def growth(rows: list[Row], name: str) -> float:
    """From the first row to the last, in percent; a process that became smaller has not grown."""
    before, after = (float(row[f"{name} MiB"]) for row in (rows[0], rows[-1]))
    return max(100 * (after / before - 1), 0.0)


if __name__ == "__main__":
    main()
