"""Where a whole avatar's time and memory go, stage after stage; and its view loops against the plain way."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.ceiling import Ceiling, measured_ceiling
from bench.contest import Outcome, held
from bench.loops import Loops, LoopShape
from bench.pairs import PAIRS
from bench.peak import forget_peak, peak, resident
from bench.report import Report, Row, Target
from model.engine import Job
from model.engines.pack import EnginePack
from model.engines.up2you.engine import UP2You
from model.engines.up2you.request import Request
from model.runtime.device import Device, open_device
from model.synthetic.datasets.loose_photos import loose_photos

PHOTOS, PERSON = 8, 0
FIELDS = ("size", "steps", "mesh_size", "iterations", "faces")
SMALL = {"photos": 2, "size": 64, "steps": 2, "mesh_size": 64, "iterations": 2, "faces": 1000}
LOADING = "loading"


@dataclass
class Stages:
    """A clock and a memory gauge that are read and set back whenever a stage ends."""

    device: Device
    rows: list[Row] = field(default_factory=list)
    _stage: str = LOADING

    def __post_init__(self) -> None:
        self._begin()

    def reached(self, stage: str, done: int = 0, total: int = 1) -> None:
        """Progress of a job."""
        if stage == self._stage:
            return
        self.rows.append(self._row())
        self._stage = stage
        self._begin()

    def _begin(self) -> None:
        forget_peak()
        if self.device.torch_device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device.torch_device)
        self._before, self._began, self._used_s = resident(), time.perf_counter(), time.process_time()

    def _row(self) -> Row:
        row: Row = {
            "stage": self._stage,
            "s": time.perf_counter() - self._began,
            "CPU s": time.process_time() - self._used_s,
            "before GB": self._before / 1e9,
            "peak GB": peak() / 1e9,
        }
        if self.device.torch_device.type == "cuda":
            row["device peak GB"] = torch.cuda.max_memory_allocated(self.device.torch_device) / 1e9
        return row


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.avatar", description=__doc__)
    parser.add_argument("--model-dir", default="demo")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    parser.add_argument("--small", action="store_true", help="few photos, small views, few steps")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--photos", type=int)
    for name in FIELDS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help="another than the pack's default")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        torch.set_num_threads(1)
    pack, request = EnginePack(arguments.model_dir), requested(arguments)
    photos = len(request.photos or [])
    report = Report(
        name=name_of(arguments),
        title="An avatar, stage after stage",
        how=f"{photos} drawn photos of 768 x 1024, pack {arguments.model_dir}, views of "
        f"{request.size} x {request.size} and {request.steps} steps of each loop, mesh of {request.iterations} "
        f"iterations at {request.mesh_size} x {request.mesh_size}, at most {request.faces:,} triangles, atlas of "
        f"{request.texture_size}. The second of two avatars; the first warms up. Memory is what of the process is in "
        "RAM, at the stage's beginning and at most while it lasts: all libraries and weights are in it. "
        f"{LOADING.capitalize()}: the weights, beside libraries that are already there. Below, both view loops against "
        "the plain way: stock modules, one request at a time, the same weights, the results compared first. Ratios are "
        "plain / Atelier; FLOPs are counted by torch, a multiply-add as two; peaks are beyond the weights.",
        device=arguments.device,
    )
    with tempfile.TemporaryDirectory() as folder:
        report.rows = asyncio.run(measured(pack, request, photos, arguments, Path(folder)))
    outcomes, ceiling = against_plain(pack, LoopShape(photos, request.size, request.steps), arguments)
    report.more = {"The view loops against the plain way": [outcome.row(ceiling) for outcome in outcomes]}
    report.targets = [
        Target(f"{outcome.contest.what}: difference, as a share of what is allowed", outcome.difference, 1, "")
        for outcome in outcomes
    ]
    report.publish()


def requested(arguments: argparse.Namespace) -> Request:
    """The pack's defaults, the small ones over them if asked for, and over those what was chosen by name."""
    small = SMALL if arguments.small else {}
    chosen = {name: value for name in FIELDS if (value := getattr(arguments, name)) is not None}
    photos = arguments.photos or small.get("photos", PHOTOS)
    body: dict[str, Any] = {"turntable": True, "seed": 0, **EnginePack(arguments.model_dir).defaults("up2you")}
    return Request.model_validate({**body, **small, **chosen, "photos": ["drawn"] * photos})


def name_of(arguments: argparse.Namespace) -> str:
    """Of the report: what is not as by default has one of its own."""
    pack = Path(arguments.model_dir).name if arguments.model_dir != "demo" else None
    device = arguments.device if arguments.device != "cpu" else None
    dtype = arguments.dtype if arguments.dtype != "auto" else None
    return "_".join(part for part in ("avatar", pack, arguments.small and "small", device, dtype) if part)


def against_plain(pack: EnginePack, shape: LoopShape, arguments: argparse.Namespace) -> tuple[list[Outcome], Ceiling]:
    """Both loops of views, of random pictures."""
    device = open_device(arguments.device, arguments.dtype)
    ceiling = measured_ceiling(device.torch_device, device.dtype)
    loops = Loops(pack.folder, device)
    try:
        return [held(contest, device.torch_device, arguments.pairs) for contest in loops.contests(shape)], ceiling
    finally:
        loops.close()


async def measured(
    pack: EnginePack, request: Request, photos: int, arguments: argparse.Namespace, folder: Path
) -> list[Row]:
    """The rows of loading, of each stage, and of the longest and highest of them together."""
    files = {}
    for i, photo in enumerate(loose_photos(PERSON, photos, 768, 1024)):
        files[f"photos.{i}"] = folder / f"{i}.png"
        photo.save(files[f"photos.{i}"])
    device = open_device(arguments.device, arguments.dtype)
    try:
        stages = Stages(device)
        engine = UP2You(pack.folder, device)
        stages.reached("the first avatar")
        await one(engine, request, Job(files, made(folder / "first")))
        stages.reached("between")
        await one(engine, request, Job(files, made(folder / "second"), on_progress=stages.reached))
        stages.reached("the end")
    finally:
        device.close()
    rows = [row for row in stages.rows if row["stage"] not in ("the first avatar", "between")]
    return [*rows, together(rows[1:])]


async def one(engine: UP2You, request: Request, job: Job) -> None:
    async with engine.networks.device.live(engine.name, engine.resident_bytes(request)):
        await engine.run(request, job)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def together(rows: Sequence[Row]) -> Row:
    """Times add up, peaks do not."""
    total: Row = {"stage": "the avatar", "s": 0.0, "CPU s": 0.0, "before GB": rows[0]["before GB"]}
    for name in ("s", "CPU s"):
        total[name] = sum(float(row[name]) for row in rows)
    peaks = [name for name in rows[0] if name.endswith("peak GB")]
    return total | {name: max(float(row[name]) for row in rows) for name in peaks}


if __name__ == "__main__":
    main()
