"""Run the benchmarks one after the other; `--all` adds the slow ones (minutes each, some many; 4 GB of disk)."""

from __future__ import annotations

import argparse
import subprocess
import sys

NAMES = ("front", "ping", "start", "load", "mixed", "sharing", "fuzz", "people", "avatar")
SLOW_NAMES = (
    *("tryon", "quality", "scheduling", "memory", "growth", "attention", "real_size", "breakdown"),
    *("rasteriser", "colour", "views", "iteration", "geometry"),
)


def main() -> int:
    """Returns how many of them failed to run; a missed target is no failure."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--all", action="store_true")
    names = NAMES + SLOW_NAMES if parser.parse_args().all else NAMES
    return sum(subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode != 0 for name in names)


if __name__ == "__main__":
    sys.exit(main())
