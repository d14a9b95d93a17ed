"""What the command lines of the engines share: a pack, a device, one job with a progress bar."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from model.engine import Engine, Job, OnProgress
from model.engines.registry import engine_class
from model.errors import WeightsError
from model.request import Request
from model.weights.pack import Pack

Run = Callable[[Any, Any, Job], Awaitable[None]]  # engine, request, job


def add_device(parser: ArgumentParser) -> None:
    """Which weights, and where they run."""
    parser.add_argument("--model-dir", default=os.environ.get("MODEL_DIR", "/opt/ml/model"), help="or: demo")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))


def loaded_pack(arguments: Namespace, engine: str) -> Pack:
    """The pack the command line names.

    Raises:
        WeightsError: it lacks a file of the engine.
    """
    pack = Pack(arguments.model_dir)
    if missing := pack.missing(engine):
        raise WeightsError(f"{pack.folder} lacks {', '.join(missing)}")
    return pack


def _plainly(engine: Engine, request: Any, job: Job) -> Awaitable[None]:
    return engine.run(request, job)


def run_engine(
    arguments: Namespace, pack: Pack, request: Request, files: Mapping[str, Path], run: Run = _plainly
) -> int:
    """Compute one request into `arguments.out`; returns the exit status."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tqdm(unit="step", mininterval=0) as bar:
        job = Job(files, arguments.out, on_progress=_shown_on(bar))
        asyncio.run(_run(arguments, pack, request, job, run))
    for warning in job.warnings:
        print(f"note: {warning['message']} ({warning['code']})")
    print(f"seed {request.seed}, results in {arguments.out}")
    return 0


async def _run(arguments: Namespace, pack: Pack, request: Request, job: Job, run: Run) -> None:
    from model.runtime.device import open_device  # torch takes seconds to import, and only this needs it

    device = open_device(arguments.device, arguments.dtype)
    try:
        engine = engine_class(request.engine)(pack.folder, device)
        async with device.live(engine.name, engine.resident_bytes(request)):
            await run(engine, request, job)
    finally:
        device.close()


def _shown_on(bar: tqdm[Any]) -> OnProgress:
    def show(stage: str, done: int, total: int) -> None:
        if stage != bar.desc.removesuffix(": "):
            bar.set_description(stage, refresh=False)
            bar.reset()  # each stage has a pace of its own
        bar.total = total
        bar.update(done - bar.n)

    return show
