"""Measured peaks of memory against what they should be: of forwards by rows, of whole try-ons, of an avatar's views."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Generator, Tensor, nn

from bench.peak import with_peak
from bench.report import Report, Row
from bench.sd15 import write_pack
from bench.tryons import Size, sizes
from model.engine import Job
from model.engines.catvton.engine import CatVTON
from model.engines.pack import EnginePack
from model.engines.up2you.files import UNET as AVATAR_UNET
from model.engines.up2you.views.adapters import ViewStage
from model.engines.up2you.views.denoiser import VIEWS
from model.engines.up2you.views.generator import ViewGenerator
from model.runtime.allocations import CountedAllocations
from model.runtime.device import Device, open_device
from model.runtime.forward_cost import ForwardCost
from model.runtime.network import BatchedNetwork
from model.samples.samples import small_sample

SIZES = "192x256,384x512"
GUIDANCE, STEPS = 2.5, 2
PHOTOS = 4
MAPS = 37  # weights of a photo's parts along its side
MB = 1e6
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 2**16  # as mallopt(3) has them: what is let go is gone, and is seen when it is back


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    parser.add_argument("--model-dir", default="demo")
    parser.add_argument("--real", action="store_true", help="random weights of published sizes; 4 GB of disk")
    parser.add_argument("--sizes", type=sizes, default=SIZES, help=f"of try-ons; default: {SIZES}")
    parser.add_argument("--view-size", type=int, default=128, help="of an avatar's views")
    parser.add_argument("--rows", type=int, nargs="+", default=(1, 2, 8), help="of one step")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    options = parser.parse_args()
    ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "pack" if options.real else EnginePack(options.model_dir).folder
        if options.real:
            write_pack(weights, seed=0)
        with measuring(open_device(options.device, options.dtype)) as bench:
            on = bench.device.torch_device.type
            report = Report(
                name="_".join(["memory", *["real"] * options.real, *[on] * (on != "cpu")]),
                title="Peaks of memory",
                how=f"{'Random weights of published sizes' if options.real else f'Pack {options.model_dir}'}, "
                f"{bench.dtype}, {torch.get_num_threads()} threads. All beyond weights and inputs. Counted: what a "
                "forward's operators return and nobody has let go. Expected: what the device thinks that so many rows "
                "need, having seen one; of a job, what it says it holds between forwards, and its largest forward. "
                "Measured: the most that was in RAM (on a GPU, allocated) beyond what was before, the second time. On "
                "a CPU a job's photos and kernels' own memory are in it, and malloc gives large pieces own pages.",
                device=options.device,
            )
            for peaks in measured(weights, bench, options, Path(folder)):
                report.rows.append(peaks)
                report.save()
    report.publish()


class Bench:
    """A device, and an event loop that outlives the jobs on it."""

    def __init__(self, device: Device, runner: asyncio.Runner) -> None:
        self.device, self._runner = device, runner
        self.dtype = str(device.dtype).removeprefix("torch.")

    def peak(self, job: Callable[[], Awaitable[object]], resident_bytes: int = 0) -> int:
        """What a job held at most; the second time, on the thread that networks run on."""

        async def live() -> None:
            async with self.device.live("bench", resident_bytes):
                await job()

        self._runner.run(live())
        return with_peak(lambda: self._runner.run(live()), self.device.torch_device)[1]


@contextmanager
def measuring(device: Device) -> Iterator[Bench]:
    try:
        with asyncio.Runner() as runner:
            yield Bench(device, runner)
    finally:
        device.close()


def measured(weights: Path, bench: Bench, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """The try-on, size by size, then the avatar's views if the pack has any."""
    engine = CatVTON(weights, bench.device)
    for size in options.sizes:
        yield from forwards(bench, engine, size, options.rows)
        yield whole_tryon(bench, engine, size, folder)
    if (weights / AVATAR_UNET).is_dir():
        yield from avatar(bench, ViewGenerator(weights, bench.device), options.view_size)


def forwards(bench: Bench, engine: CatVTON, size: Size, step_rows: Sequence[int]) -> Iterator[Row]:
    """Each network of the try-on that needs a mask."""
    networks, (width, height) = engine.networks["mask"], size
    channels, f = networks.latents.channels, networks.latents.downsampling
    cells = height // f, width // f
    both = 2 * cells[0], cells[1]  # person above garment

    def step(rows: int) -> list[Tensor]:
        timesteps = torch.full((rows,), 500)
        return [torch.zeros(rows, channels, *both), timesteps, torch.zeros(rows, 1 + channels, *both)]

    inputs: list[tuple[str, BatchedNetwork, Sequence[int], Callable[[int], list[Tensor]]]] = [
        ("encode", networks.encoder, (1, 2), lambda rows: [torch.zeros(rows, 3, height, width)]),
        ("step", networks.denoiser, step_rows, step),
        ("decode", networks.decoder, (1, 4), lambda rows: [torch.zeros(rows, channels, *cells)]),
    ]
    for what, network, batches, made in inputs:
        yield from by_rows(f"{what}, {width} x {height}", network.module, bench, batches, made)


def by_rows(
    what: str, module: nn.Module, bench: Bench, batches: Sequence[int], made: Callable[[int], list[Tensor]]
) -> Iterator[Row]:
    """One network's forwards, expected from the first of them."""
    where = bench.device.torch_device
    cost = ForwardCost(where)
    for rows in batches:
        tensors = [tensor.to(where) for tensor in made(rows)]
        input_bytes = sum(tensor.nbytes for tensor in tensors)
        forward = partial(module, *tensors)
        with torch.no_grad(), CountedAllocations() as counted:
            forward()
        if not cost.known:
            bench.peak(partial(bench.device.run, partial(cost.measured, input_bytes, forward)))
        peak = bench.peak(partial(bench.device.run, forward))
        yield row(what, f"{rows}", counted.peak, cost.of(input_bytes), peak)


def row(what: str, rows: str, counted: int | None, expected: int, peak: int) -> Row:
    return {
        "what": what,
        "rows": rows,
        "counted MB": "" if counted is None else f"{counted / MB:.1f}",
        "expected MB": expected / MB,
        "measured MB": peak / MB,
        "measured / expected": peak / expected,
    }


def whole_tryon(bench: Bench, engine: CatVTON, size: Size, folder: Path) -> Row:
    """One try-on, alone."""
    width, height = size
    inputs = {}
    for name, picture in small_sample().items():
        inputs[name] = folder / f"{name}.png"
        Image.open(picture).resize(size).save(inputs[name])
    fields: dict[str, Any] = dict.fromkeys(inputs, "a file")
    request = engine.Request.model_validate(
        fields | {"width": width, "height": height, "steps": STEPS, "guidance": GUIDANCE, "seed": 0, "variant": "mask"}
    )
    outputs = folder / "outputs"
    outputs.mkdir(exist_ok=True)
    networks = engine.networks["mask"]
    return whole(
        f"try-on, {width} x {height}",
        bench,
        lambda: engine.run(request, Job(inputs, outputs)),
        engine.resident_bytes(request),
        (networks.encoder, networks.denoiser, networks.decoder),
    )


def whole(
    what: str,
    bench: Bench,
    run: Callable[[], Awaitable[object]],
    resident_bytes: int,
    networks: Sequence[BatchedNetwork],
) -> Row:
    """One job, alone."""
    for network in networks:
        network.cost = ForwardCost(bench.device.torch_device)  # what it learned from others is forgotten
    peak = bench.peak(run, resident_bytes)
    return row(what, "", None, resident_bytes + max(network.cost.peak_bytes for network in networks), peak)


def avatar(bench: Bench, views: ViewGenerator, size: int) -> Iterator[Row]:
    """Both loops with what comes before them, on random photos."""
    generator = Generator().manual_seed(0)
    photos, poses = (torch.rand((count, 3, size, size), generator=generator) for count in (PHOTOS, VIEWS))
    weight_maps = torch.rand((VIEWS, PHOTOS, MAPS, MAPS), generator=generator)
    told: dict[str, Any] = {"steps": STEPS, "guidance": GUIDANCE, "generator": generator}
    loops: dict[ViewStage, Callable[[], Awaitable[object]]] = {
        "rgb": lambda: views.rgb(photos, weight_maps, poses, **told),
        "normals": lambda: views.normals(poses, poses, **told),
    }
    for stage, networks in views.stages.items():
        taking_part = [views.encoder, views.decoder, networks.condition_encoder, networks.reference_pass]
        yield whole(
            f"{stage} views, {size} x {size}",
            bench,
            loops[stage],
            views.resident_bytes(size, size, PHOTOS if stage == "rgb" else VIEWS),
            [*taking_part, *networks.reference_keys, networks.guided],
        )


if __name__ == "__main__":
    main()
