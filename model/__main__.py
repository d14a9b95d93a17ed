"""The engines without a server: `python -m model tryon`, `check`, `demo-pack`.

Exit codes: 0 done, 1 something is wrong with the weights or the pictures, 2 with the command line.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tqdm import tqdm

from model.catvton.request import Request
from model.engine import Job, OnProgress
from model.engines import engine_class
from model.errors import EngineError, WeightsError
from model.weights.pack import Pack

_INPUTS = {
    "person": "person",
    "garment": "garment",
    "upper": "garments.upper",
    "lower": "garments.lower",
    "mask": "mask",
}
_REQUEST_FIELDS = (
    *("width", "height", "steps", "guidance", "eta", "seed", "samples"),
    *("mask_polarity", "category", "variant", "return_mask", "mask_only"),
)


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        print(f"error: {'.'.join(map(str, first['loc'])) or 'request'}: {first['msg']}", file=sys.stderr)
        return 2
    except EngineError as error:
        print(f"error: {error.message} ({error.code})", file=sys.stderr)
        return 1
    return status


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m model", description="Run the engines without a server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    tryon = commands.add_parser("tryon", help="dress a person")
    for name in _INPUTS:
        tryon.add_argument(f"--{name}", type=Path, required=name == "person", metavar="PICTURE")
    tryon.add_argument("--out", type=Path, required=True, metavar="DIR", help="where result.png goes")
    for name in ("width", "height", "steps", "seed", "samples"):
        tryon.add_argument(f"--{name}", type=int)
    for name in ("guidance", "eta"):
        tryon.add_argument(f"--{name}", type=float)
    tryon.add_argument("--mask-polarity", choices=("white_repaints", "black_repaints"))
    tryon.add_argument("--category", choices=("upper", "lower", "overall", "inner", "outer"), help="of the garment")
    tryon.add_argument("--variant", choices=("mask", "maskfree"))
    for name, meaning in (("return-mask", "also the mask, mask.png"), ("mask-only", "the automatic mask and no more")):
        tryon.add_argument(f"--{name}", action="store_const", const=True, help=meaning)
    tryon.add_argument("--no-repaint", action="store_true", help="leave the result at width x height")
    tryon.add_argument("--format", choices=("png", "jpeg", "webp"), default="png")
    tryon.add_argument("--model-dir", default=os.environ.get("MODEL_DIR", "/opt/ml/model"), help="or: demo")
    tryon.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    tryon.add_argument("--dtype", default="auto", choices=("auto", "float32", "float16", "bfloat16"))
    tryon.set_defaults(command=_tryon)

    check = commands.add_parser("check", help="say what is right and wrong with a folder of weights")
    check.add_argument("model_dir", metavar="MODEL_DIR")
    check.set_defaults(command=_check)

    demo_pack = commands.add_parser("demo-pack", help="write the built-in tiny networks to a folder")
    demo_pack.add_argument("folder", type=Path, metavar="DIR")
    demo_pack.set_defaults(command=_demo_pack)
    return parser


def _tryon(arguments: Namespace) -> int:
    pack = Pack(arguments.model_dir)
    if missing := pack.missing("tryon"):
        raise WeightsError(f"{pack.folder} lacks {', '.join(missing)}")
    request = _request(arguments, pack.defaults("tryon"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = {field: file for name, field in _INPUTS.items() if (file := getattr(arguments, name)) is not None}
    with tqdm(unit="step", mininterval=0) as bar:
        job = Job(files, arguments.out, on_progress=_shown_on(bar))
        asyncio.run(_run(pack, request, job, arguments.device, arguments.dtype))
    print(f"seed {request.seed}, results in {arguments.out}")
    return 0


def _request(arguments: Namespace, defaults: dict[str, int]) -> Request:
    given = {name: value for name in _REQUEST_FIELDS if (value := getattr(arguments, name)) is not None}
    pictures = {name: getattr(arguments, name) for name in ("person", "mask", "garment")}
    body: dict[str, Any] = {name: str(file) for name, file in pictures.items() if file is not None}
    garments = {part: str(file) for part in ("upper", "lower") if (file := getattr(arguments, part)) is not None}
    if garments:
        body["garments"] = garments
    output = {"format": arguments.format}
    return Request.model_validate(body | defaults | given | {"repaint": not arguments.no_repaint, "output": output})


async def _run(pack: Pack, request: Request, job: Job, device_name: str, dtype: str) -> None:
    from model.device import open_device  # torch takes seconds to import, and only this needs it

    device = open_device(device_name, dtype)
    try:
        engine = engine_class("tryon")(pack.folder, device)
        async with device.live(engine.name, engine.resident_bytes(request)):
            await engine.run(request, job)
    finally:
        device.close()


def _shown_on(bar: tqdm[Any]) -> OnProgress:
    def show(stage: str, done: int, total: int) -> None:
        if stage != bar.desc.removesuffix(": "):
            bar.set_description(stage, refresh=False)
            bar.reset(total)  # each stage has a pace of its own
        bar.update(done - bar.n)

    return show


def _check(arguments: Namespace) -> int:
    from model.weights.check import check

    reports = check(Pack(arguments.model_dir))
    print("\n".join(str(report) for report in reports))
    return 1 if any(report.problems for report in reports) else 0


def _demo_pack(arguments: Namespace) -> int:
    from model.weights.demo_pack import write_demo_pack

    write_demo_pack(arguments.folder)
    print(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
