"""Running the parts one after the other: none can take the time of all, and what has come stays whatever follows."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bench.gpu.parts import GpuPart

ROOT = Path(__file__).parents[2]

State = Literal["done", "failed", "stopped", "left out"]


@dataclass(frozen=True)
class PartOutcome:
    """What became of one part. `said` is its verdict, or why it was not begun."""

    name: str
    asks: str
    state: State
    seconds: float
    said: str


def run_all(
    parts: Iterable[GpuPart],
    minutes: float,
    results: Path,
    environment: Mapping[str, str],
    now: Callable[[], float] = time.monotonic,
) -> Iterator[PartOutcome]:
    """Run what there is time for; after each part `results` holds its log, its tables and a new summary."""
    results.mkdir(parents=True, exist_ok=True)
    ends, outcomes = now() + 60 * minutes, list[PartOutcome]()
    for part in parts:
        left_s = ends - now()
        limit_s = part.limit_s(left_s)
        if limit_s is None:
            said = f"{max(left_s, 0):.0f} s were left, it needs {part.least_s:.0f}"
            outcomes.append(PartOutcome(part.name, part.asks, "left out", 0.0, said))
        else:
            outcomes.append(run(part, limit_s, results, environment))
        write_summary(outcomes, results)
        yield outcomes[-1]


def run(part: GpuPart, limit_s: float, results: Path, environment: Mapping[str, str]) -> PartOutcome:
    """Run one part, and end all its processes when its time is over."""
    log, began = results / f"{part.name}.log", time.monotonic()
    with log.open("w") as file:
        command = [sys.executable, "-m", *part.command]
        told = {**os.environ, **environment, "BENCH_RESULTS": str(results.absolute()), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            state: State = "done" if process.wait(limit_s) == 0 else "failed"
        except subprocess.TimeoutExpired:
            state = "stopped"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the servers that it started, too
            process.wait()
    said = f"its {limit_s:.3g} s were over" if state == "stopped" else verdict(log, state)
    return PartOutcome(part.name, part.asks, state, round(time.monotonic() - began, 1), said)


def verdict(log: Path, state: State) -> str:
    """How many targets were met, if there were any, or what a table without targets is called; else the last line: of
    a program that failed, its error."""
    text = log.read_text(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    met, missed = text.count("**met**"), text.count("**MISSED**")
    if state == "done" and met + missed:
        return f"{met} targets met, {missed} missed"
    titles = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    if state == "done" and titles:
        return f"no targets, a table: {titles[-1]}"
    return next((line for line in reversed(lines) if line), "it said nothing")


def write_summary(outcomes: Sequence[PartOutcome], results: Path) -> None:
    """`gpu.md` for people, `gpu.json` for programs."""
    lines = ["# A GPU's quarter hour", "", "| part | asks | | s | |", "| --- | --- | --- | ---: | --- |"]
    for outcome in outcomes:
        said = outcome.said.replace("|", "/")
        lines.append(f"| {outcome.name} | {outcome.asks} | {outcome.state} | {outcome.seconds:.1f} | {said} |")
    (results / "gpu.md").write_text("\n".join(lines) + "\n")
    (results / "gpu.json").write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
