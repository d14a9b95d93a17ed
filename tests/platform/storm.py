"""A storm: try-ons through the asynchronous queue while workers are killed and S3 fails, and the same on a calm day.

`python -m tests.platform.storm --jobs 200 --kills 8 --seed 1`. What has to come of it: every job ends in exactly one
output or failure object, all but a hundredth in an output, and no picture differs from the calm day's by more than two
levels.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from bench.report import RESULTS, Report, Row, Target
from tests.conftest import Bucket, MotoProcess
from tests.faulty_s3 import bad_weather, faulty_s3
from tests.platform.storm_day import AT_ONCE, Day, Moment, day
from tests.platform.storm_jobs import storm_jobs, wardrobe

MOST_FAILED, MOST_LEVELS = 0.01, 2


def main() -> int:
    """Run both days and publish; returns the exit status, 1 when a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.platform.storm", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=8, help="of workers, at random moments")
    parser.add_argument("--one-in", type=int, default=5, help="one in so many of the container's S3 requests fails")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS / "storm", help="FILE.md and FILE.json are written")
    chosen = parser.parse_args()
    report = Report(
        name="storm",
        title="Try-ons in a storm",
        how=f"{chosen.jobs} try-ons of the demo pack through the emulated asynchronous endpoint, {AT_ONCE} at once: "
        f"undisturbed, and with {chosen.kills} workers killed (SIGKILL) at random moments and one in {chosen.one_in} "
        "of the container's requests to S3 answered by 500, 503 or SlowDown, or by silence, before or after it was "
        f"carried out. The platform's own S3 works. Seed {chosen.seed}.",
    )
    with tempfile.TemporaryDirectory() as folder:
        moto = MotoProcess(Path(folder, "moto.log"))
        try:
            calm, storm = both_days(chosen, Bucket(moto.url), Path(folder))
        finally:
            moto.stop()
    conclude(report, calm, storm)
    write(report, chosen.out)
    return int(any(target.measured > target.limit for target in report.targets))


def both_days(chosen: argparse.Namespace, bucket: Bucket, folder: Path) -> tuple[Day, Day]:
    clothes = wardrobe(bucket)

    def one(name: str, kills: list[Moment]) -> Day:
        (folder / name).mkdir()
        prefix = f"s3://{bucket.name}/{name}/results/"
        jobs = storm_jobs(chosen.jobs, chosen.seed, clothes, prefix)
        return day(name, jobs, bucket, s3, prefix, folder / name, kills)

    with faulty_s3(bucket.url) as s3:
        calm = one("calm", [])
        s3.weather = bad_weather(1 / chosen.one_in, chosen.seed)
        return calm, one("storm", moments(chosen.jobs, chosen.kills, chosen.seed))


def moments(jobs: int, kills: int, seed: int) -> list[Moment]:
    """When to kill."""
    generator = random.Random(seed)  # noqa: S311 - reproducible
    after = sorted(generator.sample(range(jobs * 9 // 10), kills))
    return [(done, generator.uniform(0, 1)) for done in after]


def conclude(report: Report, calm: Day, storm: Day) -> None:
    """Fill the report in."""
    report.rows = [row(calm), row(storm)]
    jobs = set(storm.ends)
    once = {job for job in jobs if len(storm.ends[job]) == 1 and (job in storm.outputs) != (job in storm.failures)}
    levels = [difference(calm.pictures[job], storm.pictures[job]) for job in storm.pictures if job in calm.pictures]
    reasons = Counter(end.reason for ends in storm.ends.values() for end in ends if end.status != "Completed")
    if reasons:
        report.how += f" Failures: {dict(reasons)}."
    report.targets = [
        Target("jobs without exactly one output or failure object", len(jobs - once), 0, ""),
        Target("jobs that failed on the calm day", len(calm.failures), 0, ""),
        Target("jobs that failed in the storm", len(storm.failures), MOST_FAILED * len(jobs), ""),
        Target("largest difference of a picture, levels of 255", max(levels, default=0), MOST_LEVELS, ""),
        Target("jobs whose pictures were not compared", len(jobs) - len(levels) - len(storm.failures), 0, ""),
    ]


def row(day: Day) -> Row:
    return {
        "day": day.name,
        "jobs": len(day.ends),
        "outputs": len(day.outputs),
        "failures": len(day.failures),
        "pictures": sum(map(len, day.pictures.values())),
        "workers killed": day.killed,
        "S3 requests": day.faults.total(),
        "of these failed": day.faults.total() - day.faults["none"],
        "slowest /ping ms": round(1000 * max(ping.seconds for ping in day.instance.pings), 1),
        "violations": len(day.instance.violations),
        "seconds": round(day.seconds),
    }


def difference(one: Mapping[str, Image.Image], other: Mapping[str, Image.Image]) -> int:
    """The largest of any pixel; 255 where there are other pictures, or of other sizes."""
    if one.keys() != other.keys() or any(one[name].size != other[name].size for name in one):
        return 255
    pairs = [[np.asarray(pictures[name].convert("RGB")).astype(int) for pictures in (one, other)] for name in one]
    return max(int(np.abs(left - right).max()) for left, right in pairs)


def write(report: Report, out: Path) -> None:
    """Both files, and the page to the terminal."""
    text = report.markdown()
    out.with_suffix(".md").write_text(text)
    out.with_suffix(".json").write_text(json.dumps(asdict(report), indent=1) + "\n")
    print(text)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
