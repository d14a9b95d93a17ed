"""What the built-in warping try-on makes of somebody it has never seen: the right print, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.engine import Job
from model.engines.warp.engine import Warp
from model.engines.warp.request import Request
from model.samples.samples import SAMPLES, SampleTryOn
from model.synthetic.datasets.sample_pictures import render_sample
from model.weights.pack import DEMO
from tests.model.devices import cpu_device

SIZE = 192, 256


def dressed(engine: Warp, runner: asyncio.Runner, sample: SampleTryOn, folder: Path) -> dict[str, NDArray[np.int64]]:
    """Photo, mask, result and truth, (H, W, 3) or (H, W)."""
    files = render_sample(sample, folder, SIZE)
    body = dict.fromkeys(files, "given") | {"category": sample.category}
    request = Request.model_validate(body)

    async def run() -> None:
        async with engine.device.live("warp", engine.resident_bytes(request)):
            await engine.run(request, Job(files, folder))

    runner.run(run())
    shown = files | {"result": folder / "result.png", "truth": folder / sample.truth}
    return {name: np.asarray(Image.open(file)).astype(np.int64) for name, file in shown.items() if name != "garment"}


def test_a_print_is_where_it_is_in_truth_and_no_pixel_beyond_the_mask_changes(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    apart = []
    with cpu_device() as device:
        engine = Warp(DEMO, device)
        for sample in (SAMPLES[0], SAMPLES[2]):
            seen = dressed(engine, runner, sample, tmp_path)
            inside = seen["mask"] > 0
            assert np.array_equal(seen["result"][~inside], seen["person"][~inside])
            apart.append([np.abs(seen[name] - seen["truth"])[inside].mean() for name in ("result", "person")])
    result, person = np.mean(apart, 0)
    assert result < 0.55 * person
