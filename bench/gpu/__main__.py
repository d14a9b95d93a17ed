"""What is worth most to know of a GPU, in as many minutes as there are: each part has a limit of its own.

It needs this checkout and a Python with torch; all other packages may come as wheels in a folder (`--wheels`), from
which they are installed for this run alone. A part that lacks something says so, and the next one begins. Tables and
logs are written as they come.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.gpu.parts import on_a_gpu, small
from bench.gpu.session import ROOT, run_all

RESULTS = ROOT / "bench/results"


def main() -> int:
    """Returns 0 if every part was done, and 1 if one was not."""
    options = parsed()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # as Ctrl-C: the part is ended, too
    with tempfile.TemporaryDirectory() as folder:
        places = [*installed(options.wheels, Path(folder) / "packages"), os.environ.get("PYTHONPATH", "")]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, places))}
        weights = Path(folder) / "random"
        parts = small(options.device) if options.small else on_a_gpu(options.device, weights)
        results = options.results or RESULTS / options.device.split(":")[0]
        good = True
        for outcome in run_all(parts, options.minutes, results, environment):
            print(f"{outcome.name}: {outcome.state} after {outcome.seconds:.1f} s. {outcome.said}", flush=True)
            good &= outcome.state == "done"
    print(f"The tables are in {results}, {results / 'gpu.md'} says what became of each part.")
    return 0 if good else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=14.0, help="for all parts together (default: 14)")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="the built-in networks: to see that all parts run")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels to install for this run, without a network")
    parser.add_argument("--results", type=Path, help="where to write (default: bench/results/DEVICE)")
    return parser.parse_args()


def installed(wheels: Path | None, target: Path) -> list[str]:
    """Where Python finds the packages of these wheels, before its own."""
    if wheels is None:
        return []
    files = sorted(str(file) for file in wheels.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, *files], check=True)
    return [str(target)]


if __name__ == "__main__":
    sys.exit(main())
