"""Where a try-on's time goes: kinds of operations in each of its networks, and what sharing a forward saves."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from bench.both_ways import Size
from bench.ceiling import Ceiling, device_name, measured_ceiling
from bench.dressing import ROWS, Dressing
from bench.flops import tryon_flops
from bench.report import Report, Row
from bench.sd15 import write_pack
from bench.tryons import named, sizes
from container.memory import keep_freed_memory
from model.runtime.device import Device, open_device
from model.weights.pack import DEMO

# The first that is part of an operation's name tells its kind; what is left is done number by number.
KINDS = {
    "attention": ("attention",),
    "convolutions": ("conv",),
    "matrix products": ("mm", "linear"),
    "norms": ("norm",),
    "copies": ("copy_", "cat", "clone", "upsample", "fill"),
}
ELEMENTWISE = "number by number"
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.breakdown", description=__doc__)
    parser.add_argument("--small", action="store_true", help="the demo pack instead of the published size")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    parser.add_argument("--sizes", type=sizes, help="384x512,...")
    parser.add_argument("--at-once", type=int, nargs="+", help="try-ons that share a forward")
    options = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        weights = DEMO if options.small else Path(folder) / "pack"
        if not options.small:
            write_pack(weights, seed=0)
        measured(options, weights, Path(folder)).publish()


def measured(options: argparse.Namespace, weights: Path, folder: Path) -> Report:
    device = open_device(options.device, options.dtype)
    ceiling = measured_ceiling(device.torch_device, device.dtype)
    report = Report(
        name="breakdown_small" if options.small else "breakdown",
        title="Where a try-on's time goes",
        how=f"{'The demo pack' if options.small else 'Random weights of the published size'}, "
        f"{str(device.dtype).removeprefix('torch.')}, {torch.get_num_threads()} threads, guidance. Each network "
        "once, after once to warm up, under torch's profiler; shares, in %, are of the time inside operations. "
        f"Then the UNet's forwards of one step for several try-ons, medians of {RUNS}; the ceiling, "
        f"{ceiling.flops_per_s / 1e12:.3g} TFLOP/s, is a large matrix product on the same device.",
        device=device_name(device.torch_device),
    )
    dressing = Dressing(weights, device, folder)
    sharing: list[Row] = []
    try:
        for size in options.sizes or ([(96, 128), (192, 256)] if options.small else [(384, 512)]):
            for call in dressing.networks.warm_calls(*size):
                shares = device.at_start(partial(shares_of, partial(call.network.module, *call.tensors), device))
                report.rows.append({"size": named(size), "network": call.name, **shares})
            sharing += shared(dressing, size, options.at_once or ([1, 2, 4, 8] if options.small else [1, 2]), ceiling)
    finally:
        dressing.close()
    report.more = {"Try-ons that share a forward": sharing}
    return report


def shares_of(forward: Callable[[], object], device: Device) -> Row:
    """Seconds inside operations of this thread, and each kind's share of them."""
    forward()
    cuda = device.torch_device.type == "cuda"
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if cuda else [])
    with profile(activities=activities) as profiler:
        forward()
    seconds: Counter[str] = Counter()
    for event in profiler.key_averages():
        if event.key.startswith("aten::"):
            seconds[kind_of(event.key)] += (event.self_device_time_total if cuda else event.self_cpu_time_total) / 1e6
    total = sum(seconds.values())
    return {"s": total, **{kind: 100 * seconds[kind] / total for kind in (*KINDS, ELEMENTWISE)}}


def kind_of(operation: str) -> str:
    """What an operation, such as `aten::addmm`, is one of."""
    kinds = (kind for kind, parts in KINDS.items() if any(part in operation for part in parts))
    return next(kinds, ELEMENTWISE)


def shared(dressing: Dressing, size: Size, at_once: list[int], ceiling: Ceiling) -> Iterator[Row]:
    """One step of several try-ons in one forward of the UNet."""
    networks = dressing.networks
    [call] = [call for call in networks.warm_calls(*size) if call.network is networks.denoiser]
    flops = ROWS * tryon_flops(dressing.weights, size).row
    for tryons in at_once:
        tensors = [torch.cat([tensor] * tryons) for tensor in call.tensors]
        seconds = []
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            dressing.device.at_start(partial(networks.denoiser.module, *tensors))
            seconds.append(time.perf_counter() - began)
        each_s = median(seconds[1:]) / tryons
        yield {
            "size": named(size),
            "try-ons": tryons,
            "ms each": 1e3 * each_s,
            "TFLOP/s": flops / each_s / 1e12,
            "% of ceiling": 100 * flops / each_s / ceiling.flops_per_s,
        }


if __name__ == "__main__":
    main()
