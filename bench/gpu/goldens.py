"""Recorded runs of the published codes, computed again on this device: in float32, and in 16 bits."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Generator, Tensor

from bench.ceiling import device_name
from bench.report import Report, Row, Target
from model.engines.catvton.engine import CatVTON
from model.engines.up2you.views.generator import ViewGenerator
from model.runtime.device import Device, open_device
from tests.model.catvton.replay import GREY_LEVELS, LATENT_TOLERANCE, Case, distance, grey_levels, replay

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/catvton"  # one run, in the checkout
GOLDEN = ROOT.parent / "shared/golden"  # many more; not everybody has them


@dataclass(frozen=True)
class Way:
    """How numbers are rounded: a dtype, and whether float32 convolutions may round to TF32, as they do by default."""

    dtype: str
    tf32: bool

    def __str__(self) -> str:
        return f"{self.dtype}, no TF32" if self.dtype == "float32" and not self.tf32 else self.dtype


WAYS = [Way("float32", tf32=False), Way("float32", tf32=True), Way("float16", tf32=True), Way("bfloat16", tf32=True)]

MEAN_LEVELS = {"float16": 0.4, "bfloat16": 3.0}  # about twice what a CPU has, whose 16 bits are the same


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.gpu.goldens", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--cases", type=int, help="at most so many of each kind")
    options = parser.parse_args()
    torch_device = torch.device(options.device)
    report = Report(
        name=f"goldens_{torch_device.type}",
        title="Recorded runs of the published codes",
        how="Tiny networks with random weights, which the published codes ran in float32 on a CPU. Latents: the "
        "largest difference of any step, as a share of the largest number. Pictures: grey levels of 255, the largest "
        "and the mean over all. By default torch lets convolutions round float32 to TF32 on a GPU; targets are for "
        "without.",
        device=device_name(torch_device),
    )
    for way in WAYS:
        if way.tf32 and way.dtype == "float32" and torch_device.type == "cpu":
            continue
        with computing(way, options.device) as (device, runner):
            for row in [*tryons(device, runner, options.cases), *views(device, runner, options.cases)]:
                report.rows.append({"type": str(way), **row})
        report.targets = targets(report.rows)
        report.save()
    if not report.rows:
        print(f"there are no recorded runs: neither {DATA} nor {GOLDEN}")
        return
    if not GOLDEN.is_dir():
        report.how += " Only the run in tests/data was there, and none in ../shared/golden."
    report.publish()


@contextmanager
def computing(way: Way, name: str) -> Iterator[tuple[Device, asyncio.Runner]]:
    """A device that rounds in this way, and an event loop for its queue."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, way.tf32
    device = open_device(name, way.dtype)
    try:
        with asyncio.Runner() as runner:
            yield device, runner
    finally:
        device.close()
        torch.backends.cudnn.allow_tf32 = before


def tryons(device: Device, runner: asyncio.Runner, most: int | None) -> Iterator[Row]:
    """CatVTON's, with a mask and without."""
    for what, weights, variant, folder in (
        ("tests/data", DATA / "weights", "mask", DATA),
        ("with a mask", GOLDEN, "mask", GOLDEN / "catvton"),
        ("without a mask", GOLDEN, "maskfree", GOLDEN / "catvton_maskfree"),
    ):
        if not folder.is_dir():
            continue
        networks: Any = CatVTON(weights, device).networks[variant]  # type: ignore[index]
        latents: list[float] = []
        pictures: list[tuple[NDArray[Any], NDArray[Any]]] = []
        for recorded in sorted((folder / "cases").iterdir())[:most]:
            case = Case(recorded, folder / "inputs")
            outcome = runner.run(replay(networks, case))
            latents.append(distance(outcome.latents.cpu(), case.arrays["latents_per_step"]))
            pictures += [(picture, case.result(i)) for i, picture in enumerate(outcome.pictures)]
        yield row(f"try-on, {what}", max(latents), pictures)


def views(device: Device, runner: asyncio.Runner, most: int | None) -> Iterator[Row]:
    """The avatar's two loops, of UP2You."""
    if not (GOLDEN / "up2you").is_dir():
        return
    try:
        from tests.model.up2you.view_networks import reference_weights
    except ModuleNotFoundError as error:
        print(f"the avatar's views are left out: {error}")
        return
    with tempfile.TemporaryDirectory() as folder:
        loops = ViewGenerator(reference_weights(Path(folder)), device)
        for stage, name in list({"rgb": "pipe_i2mv", "normals": "pipe_mv2normal"}.items())[:most]:
            recorded = load_file(GOLDEN / f"up2you/{name}.safetensors")
            poses = load_file(GOLDEN / "up2you/pipe_i2mv.safetensors")["control_image"]  # the same in both
            painted = runner.run(drawn(loops, stage, recorded, poses, name))
            ours = (painted.float().cpu() * 255).round().permute(0, 2, 3, 1).numpy()
            theirs = recorded["images_uint8"].numpy()
            yield row(f"avatar, {stage} views", None, list(zip(ours.astype(np.uint8), theirs, strict=True)))


async def drawn(loops: ViewGenerator, stage: str, recorded: dict[str, Tensor], poses: Tensor, name: str) -> Tensor:
    """The pictures of one loop, (6, 3, H, W) in [0, 1]."""
    given = json.loads((GOLDEN / f"up2you/{name}.json").read_bytes())
    told = {"steps": given["steps"], "guidance": given["guidance_scale"]}
    generator, references = Generator().manual_seed(given["seed"]), recorded["reference_rgbs"]
    async with loops.device.live("avatar", 0):
        if stage == "normals":
            return await loops.normals(references, poses, generator=generator, **told)
        weight_maps = recorded["weight_maps"][:, 0, ..., 0]  # (views, photos, g, g)
        return await loops.rgb(references, weight_maps, poses, generator=generator, **told)


def row(what: str, latents: float | None, pictures: list[tuple[NDArray[Any], NDArray[Any]]]) -> Row:
    means = [float(np.abs(ours.astype(int) - theirs.astype(int)).mean()) for ours, theirs in pictures]
    return {
        "what": what,
        "pictures": float(len(pictures)),
        "latents": "not recorded" if latents is None else f"{latents:.2e}",
        "most levels": float(max(grey_levels(ours, theirs) for ours, theirs in pictures)),
        "mean levels": float(np.mean(means)),
    }


def targets(rows: list[Row]) -> list[Target]:
    """In float32 the results are the recorded ones, and in 16 bits not farther from them than they need be."""
    found = []
    for one in rows:
        dtype = str(one["type"])
        if dtype in MEAN_LEVELS:
            mean = float(one["mean levels"])
            found.append(Target(f"{one['what']}, {dtype}: mean difference", mean, MEAN_LEVELS[dtype], "levels"))
        if dtype == str(WAYS[0]):
            levels = float(one["most levels"])
            found.append(Target(f"{one['what']}: largest difference of pictures", levels, GREY_LEVELS, "levels"))
            if one["latents"] != "not recorded":
                found.append(Target(f"{one['what']}: latents", float(one["latents"]), LATENT_TOLERANCE, ""))
    return found


if __name__ == "__main__":
    main()
