"""`python -m model warp`, also `tryon --engine warp`: one person in one garment, or folders of both."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tqdm import tqdm

from model.command import add_device, add_fields, existing_file, existing_folder, loaded_pack
from model.engine import Job
from model.engines.warp.request import Request
from model.errors import EngineError, InputError

if TYPE_CHECKING:
    from model.engines.warp.engine import Warp

_FIELDS = ("variant", "category", "width", "height", "mask_grow", "return_flow", "return_warped")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif")


def add_export_arguments(parser: ArgumentParser) -> None:
    """`python -m model onnx`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="where the ONNX file goes")
    add_device(parser)
    parser.set_defaults(command=export)


def export(arguments: Namespace) -> int:
    """Write the warping networks as ONNX."""
    pack = loaded_pack(arguments, "warp")
    import torch  # takes seconds

    from model.engines.warp.checkpoint import network
    from model.engines.warp.onnx_export import write_onnx

    write_onnx(network(pack.folder).load(torch.device("cpu"), torch.float32), arguments.file)
    print(arguments.file)
    return 0


@dataclass(frozen=True)
class Pair:
    """Who is dressed in what, and how the results' names begin."""

    person: Path
    garment: Path
    name: str


def add_arguments(parser: ArgumentParser) -> None:
    """One picture or a folder of each, and the request's fields."""
    for name, meaning in {"person": "who is dressed", "garment": "what is put on"}.items():
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument(f"--{name}", type=existing_file, metavar="PICTURE", help=meaning)
        plural = f"--{name}-dir", f"--{name}_dir"
        either.add_argument(
            *plural, type=existing_folder, metavar="DIR", dest=f"{name}_dir", help=f"all in a folder: {meaning}"
        )
    parser.add_argument("--out", "--output_dir", type=Path, required=True, metavar="DIR", help="where results go")
    parser.add_argument(
        "--batch-size",
        "--batch_size",
        type=int,
        default=8,
        metavar="N",
        help="pairs computed together (default: %(default)s)",
    )
    add_fields(parser, Request, _FIELDS)
    add_device(parser)
    parser.epilog = "Results are called PERSON_GARMENT.png, what is returned beside them PERSON_GARMENT_NAME.png."
    parser.set_defaults(command=tryon)


def tryon(arguments: Namespace) -> int:
    """Dress everybody in everything; 1 if some pair could not be."""
    if arguments.batch_size < 1:
        print(f"error: --batch-size: {arguments.batch_size} is less than 1", file=sys.stderr)
        return 2
    pack = loaded_pack(arguments, "warp")
    given = {name: value for name in _FIELDS if (value := getattr(arguments, name)) is not None}
    request = Request.model_validate({"person": "-", "garment": "-", **given}, context=pack.defaults("warp"))
    pairs = pairs_of(_pictures(arguments, "person"), _pictures(arguments, "garment"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = asyncio.run(_dress(arguments, pack.folder, request, pairs))
    print(f"{len(pairs) - failed} of {len(pairs)} in {arguments.out}")
    return 1 if failed else 0


def pairs_of(people: Sequence[Path], garments: Sequence[Path]) -> list[Pair]:
    """Everybody in everything."""
    return [Pair(person, garment, f"{person.stem}_{garment.stem}") for person in people for garment in garments]


def _pictures(arguments: Namespace, what: str) -> list[Path]:
    """One file, or those of a folder.

    Raises:
        InputError: there are none, or two would be called the same.
    """
    one, folder = getattr(arguments, what), getattr(arguments, f"{what}_dir")
    if one is not None:
        return [one]
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in _PICTURES)
    if not files:
        raise InputError(f"there are no pictures in {folder}", field=what)
    if len({file.stem for file in files}) < len(files):
        raise InputError(f"two pictures in {folder} have the same name but for its ending", field=what)
    return files


async def _dress(arguments: Namespace, weights: Path, request: Request, pairs: Sequence[Pair]) -> int:
    """How many pairs could not be dressed."""
    from model.engines.warp.engine import Warp  # torch takes seconds to import, and only this needs it
    from model.runtime.device import open_device

    device = open_device(arguments.device, arguments.dtype)
    turns = asyncio.Semaphore(arguments.batch_size)
    try:
        engine = Warp(weights, device)
        engine.check(request)

        async def one(pair: Pair) -> bool:
            async with turns, device.live(engine.name, engine.resident_bytes(request)):
                dressed = await _one(engine, request, pair, arguments.out)
            bar.update()
            return dressed

        with tqdm(total=len(pairs), unit="pair", mininterval=1) as bar:
            dressed = await asyncio.gather(*(one(pair) for pair in pairs))
    finally:
        device.close()
    return dressed.count(False)


async def _one(engine: Warp, request: Request, pair: Pair, out: Path) -> bool:
    with TemporaryDirectory(dir=out, prefix=".") as folder:
        job = Job({"person": pair.person, "garment": pair.garment}, Path(folder))
        try:
            await engine.run(request, job)
        except EngineError as error:
            tqdm.write(f"{pair.name}: {error.message} ({error.code})", file=sys.stderr)
            return False
        for file in job.outputs.iterdir():
            name = pair.name if file.stem == "result" else f"{pair.name}_{file.stem}"
            file.replace(out / f"{name}{file.suffix}")
    return True
