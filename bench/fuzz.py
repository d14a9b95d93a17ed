"""20,000 requests that are almost right: every answer is a result or a small problem, and memory stays flat."""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import httpx
import psutil

from bench.report import Report, Row, Target
from tests.fuzz import Attempt, attempts, complaint, valid_tryon
from tests.server import Server, serving

REQUESTS, BLOCK, AT_ONCE, SEED = 20_000, 2_000, 8, 1
PROCESSES = ("front", "worker")
MOST_GROWTH = 2.0  # percent, from the end of the first block to the end of the last


def main() -> None:
    report = Report(
        name="fuzz",
        title="Requests that are almost right",
        how=f"{REQUESTS} variations of a valid try-on with one to three things wrong, {AT_ONCE} at once "
        f"(`tests/fuzz.py`, demo pack). A complaint is an answer that is neither a result nor a small, typed problem. "
        f"Memory is the resident set of each process after every {BLOCK} requests; the largest try-on that a variation "
        f"can be came first, {AT_ONCE} at once.",
    )
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), ENGINES="") as server:
        send_all(server, [largest()] * AT_ONCE)
        sending = attempts(valid_tryon(), SEED, REQUESTS)
        for done in range(BLOCK, REQUESTS + 1, BLOCK):
            began = time.perf_counter()
            complaints += send_all(server, list(islice(sending, BLOCK)))
            per_second = BLOCK / (time.perf_counter() - began)
            report.rows.append(row(server, done, per_second, len(complaints)))
    for wrong in complaints[:20]:
        print(wrong)
    report.targets = [Target("complaints", len(complaints), 0, ""), *memory_targets(report.rows)]
    report.publish()


def memory_targets(rows: list[Row]) -> list[Target]:
    """From the first block on, and over the second half alone: what only grows once is no leak."""
    return [
        Target(
            f"growth of the {name} from {rows[i]['requests']} requests on",
            growth(rows[i], rows[-1], name),
            MOST_GROWTH,
            "%",
        )
        for name in PROCESSES
        for i in (0, len(rows) // 2 - 1)
    ]


def largest() -> Attempt:
    """As large as a variation can be, full-size and with a mask to be found: what it needs is no growth later."""
    small = {"width", "height", "guidance", "mask"}
    body = {name: value for name, value in valid_tryon().items() if name not in small}
    return Attempt(json.dumps(body).encode(), {"Content-Type": "application/json"})


def send_all(server: Server, block: list[Attempt]) -> list[str]:
    """Send them; returns what is wrong with the answers."""
    with httpx.Client(base_url=server.url, timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def send(attempt: Attempt) -> str | None:
            wrong = complaint(client.post("/invocations", content=attempt.content, headers=attempt.headers))
            return wrong and f"{wrong}\nto {attempt.headers} {attempt.content[:500]!r}"

        return [wrong for wrong in pool.map(send, block) if wrong]


def row(server: Server, done: int, per_second: float, complaints: int) -> Row:
    [worker] = server.workers()
    front = psutil.Process(server.process.pid)
    return {
        "requests": f"{done}",
        "requests/s": per_second,
        "complaints": complaints,
        "front MiB": mebibytes(front),
        "worker MiB": mebibytes(worker),
    }


def mebibytes(process: psutil.Process) -> float:
    return round(process.memory_info().rss / 2**20, 1)


def growth(first: Row, last: Row, name: str) -> float:
    """In percent; a process that became smaller has not grown."""
    before, after = float(first[f"{name} MiB"]), float(last[f"{name} MiB"])
    return max(100 * (after / before - 1), 0.0)


if __name__ == "__main__":
    main()
