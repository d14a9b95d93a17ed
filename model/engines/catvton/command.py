"""`python -m model tryon`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from model.command import add_device, loaded_pack, run_engine
from model.engines.catvton.presets import PRESETS, Solver
from model.engines.catvton.request import Request

_INPUTS = {
    "person": "person",
    "garment": "garment",
    "upper": "garments.upper",
    "lower": "garments.lower",
    "mask": "mask",
}
_REQUEST_FIELDS = (
    *("width", "height", "steps", "guidance", "eta", "seed", "samples"),
    *("quality", "solver", "mask_polarity", "category", "variant", "return_mask", "mask_only"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """The command's own arguments, named like the request's fields."""
    for name in _INPUTS:
        parser.add_argument(f"--{name}", type=Path, required=name == "person", metavar="PICTURE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where result.png goes")
    for name in ("width", "height", "steps", "seed", "samples"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("guidance", "eta"):
        parser.add_argument(f"--{name}", type=float)
    add_quality(parser)
    parser.add_argument("--mask-polarity", choices=("white_repaints", "black_repaints"))
    parser.add_argument("--category", choices=("upper", "lower", "overall", "inner", "outer"), help="of the garment")
    parser.add_argument("--variant", choices=("mask", "maskfree"))
    for name, meaning in (("return-mask", "also the mask, mask.png"), ("mask-only", "the automatic mask and no more")):
        parser.add_argument(f"--{name}", action="store_const", const=True, help=meaning)
    parser.add_argument("--no-repaint", action="store_true", help="leave the result at width x height")
    parser.add_argument("--format", choices=("png", "jpeg", "webp"), default="png")
    add_device(parser)
    parser.set_defaults(command=tryon)


def add_quality(parser: ArgumentParser) -> None:
    """How well and how fast."""
    parser.add_argument("--quality", choices=PRESETS, help="a preset; what is given beside it wins")
    parser.add_argument("--solver", choices=get_args(Solver))


def tryon(arguments: Namespace) -> int:
    """Dress one person."""
    pack = loaded_pack(arguments, "catvton")
    request = _request(arguments, pack.defaults("catvton"))
    files = {field: file for name, field in _INPUTS.items() if (file := getattr(arguments, name)) is not None}
    return run_engine(arguments, pack, request, files)


def _request(arguments: Namespace, defaults: Mapping[str, float]) -> Request:
    given = {name: value for name in _REQUEST_FIELDS if (value := getattr(arguments, name)) is not None}
    pictures = {name: getattr(arguments, name) for name in ("person", "mask", "garment")}
    body: dict[str, Any] = {name: str(file) for name, file in pictures.items() if file is not None}
    garments = {part: str(file) for part in ("upper", "lower") if (file := getattr(arguments, part)) is not None}
    if garments:
        body["garments"] = garments
    rest = {"repaint": not arguments.no_repaint, "output": {"format": arguments.format}}
    return Request.model_validate(body | given | rest, context=defaults)
