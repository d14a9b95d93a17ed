"""How many made-up pictures a second, with all that is true about them and written as a data set."""

from __future__ import annotations

import os
import tempfile
import time
from itertools import islice
from pathlib import Path

from bench.report import Report, Target
from model.synthetic.datasets.layouts import write_dresscode
from model.synthetic.datasets.records import PLACES, records

SEED = 1
# Size, how often a geometry is painted, how many pictures, and how many a second there should be at least.
RUNS = (((96, 128), 1, 400, 20.0), ((96, 128), 4, 800, 20.0), ((384, 512), 1, 60, None), ((768, 1024), 1, 24, 1.0))


def main() -> None:
    processes = os.cpu_count() or 1
    report = Report(
        name="people",
        title="Made-up people",
        how=f"`python -m model synthetic --layout dresscode` with {processes} processes, from the first picture that "
        "is ready to the last one written: photo, flat garment, the same person in another garment, label maps, masks, "
        "keypoints, normals, depth. A geometry may be painted several times, each time in other colours.",
    )
    for size, paintings, count, least in RUNS:
        seconds = written_in(size, paintings, count, processes)
        pace = count / seconds
        report.rows.append({"size": "{} x {}".format(*size), "paintings": paintings, "pictures a second": pace})
        if least is not None:
            report.targets.append(Target(f"seconds a picture at {size[0]} x {size[1]}", 1 / pace, 1 / least, "s"))
    report.publish()


def written_in(size: tuple[int, int], paintings: int, count: int, processes: int) -> float:
    """Seconds for `count` pictures; what starts the processes is not counted."""
    made = records(count + paintings * 2, size, SEED, PLACES, paintings, processes)
    for _ in islice(made, paintings * 2):
        pass
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_dresscode(Path(folder), "test", made)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
