"""What the command lines of the engines share: a pack, a device, one job with a progress bar."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from tqdm import tqdm

from model.engine import Engine, Job, OnProgress
from model.engines.pack import EnginePack
from model.engines.registry import engine_class
from model.errors import WeightsError
from model.request import Request

DEFAULTS = "Weights may bring defaults of their own, which then hold instead."
RunJob = Callable[[Any, Any, Job], Awaitable[None]]  # engine, request, job


def add_device(parser: ArgumentParser) -> None:
    """Which weights, and where they run."""
    weights = os.environ.get("MODEL_DIR", "/opt/ml/model")
    parser.add_argument("--model-dir", default=weights, help="folder of weights, or demo (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: %(default)s)")
    dtypes = ("auto", "float32", "float16", "bfloat16")
    parser.add_argument("--dtype", default="auto", choices=dtypes, help="of the networks (default: %(default)s)")


def existing_file(argument: str) -> Path:
    """An option's file, looked for before anything is loaded.

    Raises:
        ArgumentTypeError: there is none.
    """
    if not Path(argument).is_file():
        raise ArgumentTypeError(f"no such file: {argument}")
    return Path(argument)


def existing_folder(argument: str) -> Path:
    """The same of a folder."""
    if not Path(argument).is_dir():
        raise ArgumentTypeError(f"no such folder: {argument}")
    return Path(argument)


def add_fields(
    parser: ArgumentParser, request: type[Request], names: Sequence[str], aliases: Mapping[str, str] | None = None
) -> None:
    """Options named like fields of a request, with what these say of themselves; some have an alias."""
    for name in names:
        field = request.model_fields[name]
        help_text = f"{field.description}{_range_of(field)}{_default_of(field)}".replace("%", "%%")
        options = [f"--{name.replace('_', '-')}", *([f"--{aliases[name]}"] if aliases and name in aliases else [])]
        parser.add_argument(*options, help=help_text, **_kind_of(field))


def choices_of(field: FieldInfo) -> str:
    """What may be chosen, as a sentence's end; nothing where that is no list of words."""
    choices = _literals(field)
    return f" One of {', '.join(map(str, choices))}." if choices else ""


def _kind_of(field: FieldInfo) -> dict[str, Any]:
    if choices := _literals(field):
        several = {"nargs": "+"} if get_origin(field.annotation) is list else {}
        return {"choices": choices, "type": type(choices[0]), **several}
    if field.annotation is bool:
        return {"action": "store_const", "const": True}
    return {"type": field.annotation, "metavar": "N"}


def _literals(field: FieldInfo) -> tuple[object, ...]:
    """The values of a Literal, of one that may be absent, or of those in a list."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def _range_of(field: FieldInfo) -> str:
    bounds = {name: getattr(part, name) for part in field.metadata for name in ("ge", "le") if hasattr(part, name)}
    return f" {bounds['ge']}..{bounds['le']}." if {"ge", "le"} <= bounds.keys() else ""


def _default_of(field: FieldInfo) -> str:
    if field.default in (None, False, [], PydanticUndefined):
        return ""
    words = field.default if isinstance(field.default, list) else [field.default]
    return f" (default: {' '.join(map(str, words))})"


def loaded_pack(arguments: Namespace, engine: str) -> EnginePack:
    """The pack the command line names.

    Raises:
        WeightsError: it lacks a file of the engine.
    """
    pack = EnginePack(arguments.model_dir)
    if missing := pack.missing(engine):
        raise WeightsError(f"{pack.folder} lacks {', '.join(missing)}")
    return pack


def _plainly(engine: Engine, request: object, job: Job) -> Awaitable[None]:
    return engine.run(request, job)


def run_engine(
    arguments: Namespace, pack: EnginePack, request: Request, files: Mapping[str, Path], run: RunJob = _plainly
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


async def _run(arguments: Namespace, pack: EnginePack, request: Request, job: Job, run: RunJob) -> None:
    from model.runtime.device import open_device  # torch takes seconds to import, and only this needs it

    device = open_device(arguments.device, arguments.dtype)
    try:
        engine = engine_class(request.engine)(pack.folder, device)
        async with device.live(engine.name, engine.resident_bytes(request)):
            await run(engine, request, job)
    finally:
        device.close()


def _shown_on(bar: tqdm[NoReturn]) -> OnProgress:
    def show(stage: str, done: int, total: int) -> None:
        if stage != bar.desc.removesuffix(": "):
            bar.set_description(stage, refresh=False)
            bar.reset()  # each stage has a pace of its own
        bar.total = total
        bar.update(done - bar.n)

    return show
