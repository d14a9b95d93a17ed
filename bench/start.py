"""From starting the process to the first 200 of `/ping`, and how much of it Python spends importing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.report import Report, Row, Target
from container.worker_process import worker_environment
from tests.server import ROOT, Server

RUNS = 5
MOST_REST_S = 5
# What each process imports until it is ready. The worker is started when the front has imported its own.
IMPORTS = {
    "front imports": "import container.__main__, container.serve",
    "worker imports": "import container.__main__, container.worker, model.catvton.engine, model.catvton.files",
}
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}


def main() -> None:
    report = Report(
        name="start",
        title="From process start to /ping 200",
        how=f"`python -m container serve` with the demo pack, {RUNS} times, each after `python -c 'import ...'` of the "
        "same imports; files are in the page cache. The rest is what is left of the start without both.",
    )
    taken: dict[str, list[float]] = {name: [] for name in (*IMPORTS, "start")}
    for run in range(RUNS + 1):
        for name, seconds in one_run().items():
            if run:  # the first brings the files into memory
                taken[name].append(seconds)
    taken["rest"] = [
        total - front - worker
        for front, worker, total in zip(*(taken[name] for name in (*IMPORTS, "start")), strict=True)
    ]
    report.rows = [row(name, seconds) for name, seconds in taken.items()]
    report.targets = [Target("the rest, median", median(taken["rest"]), MOST_REST_S, "s")]
    report.publish()


def one_run() -> dict[str, float]:
    """Seconds of each import and of the start."""
    return {name: import_s(statement) for name, statement in IMPORTS.items()} | {"start": start_s()}


def import_s(statement: str) -> float:
    """In a server's environment, and without taking the interpreter down, which costs torch more than a second."""
    environment = worker_environment({**os.environ, **ENVIRONMENT}, settings=())
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", f"{statement}; import os; os._exit(0)"], cwd=ROOT, env=environment, check=True
    )
    return time.perf_counter() - began


def start_s() -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        server = Server(Path(folder), module="container", ENGINES="tryon", **ENVIRONMENT)
        try:
            server.wait_ready()
            return time.perf_counter() - began
        finally:
            server.close()


def row(name: str, seconds: list[float]) -> Row:
    return {"part": name, "median s": median(seconds), "least s": min(seconds), "most s": max(seconds)}


if __name__ == "__main__":
    main()
