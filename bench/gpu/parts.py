"""What is asked of a GPU, the most valuable first, and how much time each part gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SMALL_S = 600.0  # of any part tried on a small machine, which may be busy with other work


@dataclass(frozen=True)
class GpuPart:
    """One command, in a process of its own.

    Args:
        name: of its log, and in the summary.
        asks: what it answers, for people.
        command: module and arguments, as behind `python -m`.
        most_s: it is stopped then. What it has written by then stays.
        least_s: with less time left it is not begun.
    """

    name: str
    asks: str
    command: Sequence[str]
    most_s: float
    least_s: float

    def limit_s(self, left_s: float) -> float | None:
        """How long it may run if so much time is left; None: not at all."""
        return min(self.most_s, left_s) if left_s >= self.least_s else None


def on_a_gpu(device: str, weights: Path) -> list[GpuPart]:
    """The parts at published sizes. Limits are about twice what each is expected to take, so that one may be late.

    Args:
        weights: where random weights of the published size are written, 4 GB, for the parts that need them.
    """
    on, random = ("--device", device), ("--model-dir", str(weights))
    tryon = ("bench.tryon", *on, *random, "--sizes", "768x1024", "--steps", "50", "--pairs", "3")
    scheduling = ("bench.scheduling", *on, *random, "--sizes", "384x512", "--steps", "10", "--rounds", "1")
    return [
        GpuPart("goldens", "is it right, in float32 and in 16 bits", ("bench.gpu.goldens", *on), 180, 30),
        GpuPart("attention", "which attention kernel is best for which shape", ("bench.attention", *on), 150, 40),
        GpuPart(
            "weights", "(random weights of the published size, for what follows)", ("bench.sd15", *random), 120, 30
        ),
        GpuPart("tryon", "a try-on against the plain way", tryon, 240, 60),
        GpuPart("tryon_recorded", "the same with recorded graphs", (*tryon, "--warm"), 240, 60),
        GpuPart("views", "the avatar's views against the plain way", ("bench.views", *on, "--pairs", "3"), 150, 40),
        GpuPart(
            "memory",
            "does the device expect what forwards take",
            ("bench.memory", *on, *random, "--sizes", "768x1024", "--rows", "1", "2", "4"),
            120,
            40,
        ),
        GpuPart("batching", "which BATCHING is best", (*scheduling, "--seconds", "8"), 300, 120),
    ]


def small(device: str) -> list[GpuPart]:
    """The same parts on the built-in networks: to see that they run, not how fast."""
    on = ("--device", device)
    tryon = ("bench.tryon", *on, "--small", "--sizes", "96x128", "--steps", "2", "--pairs", "1")
    commands = {
        "goldens": ("bench.gpu.goldens", *on, "--cases", "1"),
        "attention": ("bench.attention", *on, "--gflop", "3"),
        "tryon": tryon,
        "tryon_recorded": (*tryon, "--warm"),
        "views": ("bench.views", *on, "--small", "--pixels", "128", "--pairs", "1"),
        "memory": ("bench.memory", *on, "--sizes", "96x128", "--rows", "1", "2"),
        "batching": ("bench.scheduling", *on, "--sizes", "96x128", "--steps", "2", "--seconds", "1", "--rounds", "1"),
    }
    asks = {part.name: part.asks for part in on_a_gpu(device, Path())}
    return [GpuPart(name, asks[name], command, _SMALL_S, least_s=10) for name, command in commands.items()]
