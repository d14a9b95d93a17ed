"""A try-on, stage by stage and whole, against the plain way to do it."""

from __future__ import annotations

import argparse
import collections
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.both_ways import BothWays
from bench.ceiling import Ceiling, device_name, measured_ceiling
from bench.contest import MOST_DIFFERENCE, MOST_LEVELS, TIMES_AS_FAR, Outcome, held
from bench.dressing import Dressing
from bench.outfitting import Outfitting
from bench.outfitting_pack import write_pack as write_outfitting_pack
from bench.pairs import PAIRS, Quartiles
from bench.report import Report, Row, Target
from bench.sd15 import write_pack
from bench.tryons import named, sizes
from container.memory import keep_freed_memory
from model.runtime.device import Device, open_device
from model.runtime.device_config import DeviceConfig
from model.runtime.warm_up import warm_up
from model.weights.pack import DEMO

_LEAST_RATIO_CPU, _LEAST_RATIO_GPU = 0.98, 2.0
_LEAST_SHARE_GPU = 45.0  # of the ceiling, in the UNet
WAYS: Mapping[str, Callable[[Path, Device, Path], BothWays[Any]]] = {"catvton": Dressing, "ootdiffusion": Outfitting}
_SMALL, _CPU, _CUDA = [(96, 128), (192, 256)], [(384, 512)], [(384, 512), (768, 1024)]


def main() -> None:
    options = arguments()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        weights = pack(options, Path(folder))
        measure(options, weights, Path(folder)).publish()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.tryon", description=__doc__)
    parser.add_argument("--engine", default="catvton", choices=("catvton", "ootdiffusion"))
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--small", action="store_true", help="the demo pack instead of the published size")
    weights.add_argument("--model-dir", type=Path, help="a pack instead of random weights of the published size")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    parser.add_argument("--sizes", type=sizes, help="384x512,...")
    parser.add_argument("--steps", type=counts, help="of whole try-ons: 1,...; none on a CPU at the published size")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--warm", action="store_true", help="prepare for the sizes first, as WARM_SIZES does")
    parser.add_argument("--compile", action="store_true", help="with --warm: as COMPILE does")
    options = parser.parse_args()
    affordable = options.small or options.device != "cpu"
    options.sizes = options.sizes or (_SMALL if options.small else _CPU if options.device == "cpu" else _CUDA)
    if options.steps is None:
        options.steps = ([1, 10] if options.small else [10, 50]) if affordable else []
    return options


def counts(words: str) -> list[int]:
    """The numbers that "1,10" means."""
    return [int(word) for word in words.split(",")]


def pack(options: argparse.Namespace, folder: Path) -> Path:
    """The weights; those of the published size are written first, 4 GB of them or, of OOTDiffusion, 9."""
    if options.small and options.engine == "ootdiffusion":
        write_outfitting_pack(folder / "pack", seed=0, small=True)
        return folder / "pack"
    if options.small:
        return DEMO
    if options.model_dir is not None:
        chosen: Path = options.model_dir
        return chosen
    write = write_pack if options.engine == "catvton" else write_outfitting_pack
    write(folder / "pack", seed=0)
    return folder / "pack"


def measure(options: argparse.Namespace, weights: Path, folder: Path) -> Report:
    device = open_device(options.device, options.dtype, DeviceConfig(compiled=options.compile))
    where, dtype = device.torch_device, str(device.dtype).removeprefix("torch.")
    report = Report(name=name_of(options), title="A try-on against the plain way", how="", device=device_name(where))
    ceiling = measured_ceiling(where, device.dtype)
    report.how = how(options, ceiling, dtype)
    dressing = WAYS[options.engine](weights, device, folder)
    try:
        for size in options.sizes:
            if options.warm:
                collections.deque(warm_up(device, dressing.engine, *size), maxlen=0)
            contests = dressing.stages(size, options.pairs)
            contests += [dressing.whole(size, steps, options.pairs) for steps in options.steps]
            for contest in contests:
                outcome = held(contest, where, options.pairs)
                report.rows.append({"size": named(size), **outcome.row(ceiling)})
                report.targets += targets(named(size), outcome, ceiling, options)
                report.save()
        report.more = {"Around the networks": around(dressing, options)}
    finally:
        dressing.close()
    return report


def around(dressing: BothWays[Any], options: argparse.Namespace) -> list[Row]:
    """Seconds of what has no plain form of its own: files, pictures, the photo around the result."""
    rows: list[Row] = []
    for size in options.sizes:
        for what, call in dressing.around(size).items():
            seconds = []
            for _ in range(options.pairs):
                began = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - began)
            rows.append({"size": named(size), "what": what, "s": median(seconds)})
    return rows


def targets(size: str, outcome: Outcome, ceiling: Ceiling, options: argparse.Namespace) -> list[Target]:
    """Equal results always; how fast, where a size has been set a mark."""
    what, lower = outcome.contest.what, Quartiles.of(outcome.pairs.ratios).lower
    found = [Target(f"{size}, {what}: difference, as a share of what is allowed", outcome.difference, 1, "")]
    ratio = f"{size}, {what}: ratio to the plain way, lower quartile"
    if options.small:
        return found
    if options.device == "cpu":
        found.append(Target(ratio, lower, _LEAST_RATIO_CPU, "", at_least=True))
    elif size == "768x1024" and what == "a try-on of 50 steps":
        found.append(Target(ratio, lower, _LEAST_RATIO_GPU, "", at_least=True))
    elif size == "768x1024" and what == "a step":
        share = float(outcome.row(ceiling)["% of ceiling"])
        found.append(Target(f"{size}, {what}: share of the ceiling", share, _LEAST_SHARE_GPU, "%", at_least=True))
    return found


def how(options: argparse.Namespace, ceiling: Ceiling, dtype: str) -> str:
    """What was done, for people."""
    if options.model_dir is not None:
        weights = f"the weights of {options.model_dir.name}"
    else:
        small = "the demo pack's weights" if options.engine == "catvton" else "random weights of a small size"
        weights = small if options.small else "random weights of the published size"
    return (
        f"Plain: stock diffusers modules in a straightforward loop, one request at a time. Both ways have {weights}, "
        f"compute in {dtype} and make one picture with guidance; {options.pairs} pairs taken alternately after "
        "the results were compared, and no input twice. Ratios are plain / Atelier. The heap keeps what is freed, as a "
        "worker's does, for both. "
        f"Allowed: {MOST_DIFFERENCE:g} of the largest number or {MOST_LEVELS} grey levels in float32; in 16 bits, to "
        f"be {TIMES_AS_FAR:g} times as far from the plain result of float32 as the plain way is. FLOPs are counted by "
        "torch, a multiply-add as two. "
        f"Ceiling, measured on the same device and {torch.get_num_threads()} threads: "
        f"{ceiling.flops_per_s / 1e12:.3g} TFLOP/s in a large matrix product, {ceiling.bytes_per_s / 1e9:.3g} GB/s "
        "read and written by a large copy. Peaks are what a first run holds beyond the weights."
    )


def name_of(options: argparse.Namespace) -> str:
    """Of the report: a device or type that is not the default's has one of its own."""
    pack = "small" if options.small else options.model_dir and options.model_dir.name
    dtype = None if options.dtype == "auto" else options.dtype
    device = None if options.device == "cpu" else options.device
    prepared = "compiled" if options.compile else "warm" if options.warm else None
    engine = None if options.engine == "catvton" else options.engine
    return "_".join(part for part in ("tryon", engine, pack, device, dtype, prepared) if part)


if __name__ == "__main__":
    main()
