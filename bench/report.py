"""What every benchmark ends with: its figures as JSON and as a Markdown table, and where they were taken."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.processor import cores_busy, cpu_model

RESULTS = Path(os.environ.get("BENCH_RESULTS") or Path(__file__).parent / "results")

Row = dict[str, str | float]  # column -> cell


@dataclass(frozen=True)
class Target:
    """What a figure should be at most, or at least."""

    what: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False

    def __str__(self) -> str:
        met = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        measured, limit = (f"{value:.3g} {self.unit}".rstrip() for value in (self.measured, self.limit))
        bound, verdict = "at least" if self.at_least else "at most", "met" if met else "MISSED"
        return f"{self.what}: {measured}, {bound} {limit}: **{verdict}**"


@dataclass
class Report:
    """One benchmark's figures. Made before anything is measured, so that it sees how busy the machine was.

    Args:
        name: of the files under `bench/results`.
        title: for people.
        how: what was measured, in a sentence or two.
        device: what the networks ran on.
        more: heading -> another table below the first.
    """

    name: str
    title: str
    how: str
    device: str = "cpu"
    rows: list[Row] = field(default_factory=list)
    more: dict[str, list[Row]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    machine: dict[str, str | int] = field(default_factory=lambda: machine())
    cores_busy_before: float = field(default_factory=cores_busy)
    load_average_before: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))

    def save(self) -> None:
        """Write both files, once there is a row; what comes later may be added and saved again."""
        if self.rows:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self.name}.md").write_text(self.markdown())
            (RESULTS / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    def publish(self) -> None:
        """Write both files and print the table."""
        self.save()
        print(self.markdown())

    def markdown(self) -> str:
        """The report as a page."""
        targets = "\n".join(f"* {target}" for target in self.targets)
        where = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        busy = (
            f"Other work: {self.cores_busy_before:.1f} cores in the second before it began, "
            f"load average {self.load_average_before:.1f} over the minute before."
        )
        more = [part for heading, rows in self.more.items() for part in (f"## {heading}", table(rows))]
        footer = f"{self.date}, on {self.device}; {where}. {busy}"
        parts = [f"# {self.title}", self.how, table(self.rows), *more, targets, footer]
        return "\n\n".join(part for part in parts if part) + "\n"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table, text to the left and numbers to the right."""
    rules = ["---" if isinstance(cell, str) else "---:" for cell in rows[0].values()]
    lines = [list(rows[0]), rules]
    lines += [[cell if isinstance(cell, str) else f"{cell:.3g}" for cell in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine() -> dict[str, str | int]:
    """Versions and processor."""
    versions = {name: installed(name) for name in ("torch", "diffusers", "fastapi", "uvicorn")}
    return {"python": platform.python_version(), **versions, "cpu": cpu_model(), "cores": os.cpu_count() or 0}


def installed(name: str) -> str:
    """The version of a package; those of the front are not everywhere."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(-int(-share * len(ordered) // 1), 1) - 1]
