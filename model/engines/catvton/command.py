"""`python -m model tryon`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from model.command import DEFAULTS, add_device, add_fields, existing_file, loaded_pack, run_engine
from model.engines.catvton.request import Request

_INPUTS = {
    "person": "person",
    "garment": "garment",
    "upper": "garments.upper",
    "lower": "garments.lower",
    "mask": "mask",
}
_MEANINGS = {
    "person": "who is dressed",
    "garment": "what is put on; or instead of it --upper and --lower",
    "upper": "with --lower, instead of --garment",
    "lower": "with --upper, instead of --garment",
    "mask": "white where to paint (default: found automatically)",
}
_REQUEST_FIELDS = (
    *("width", "height", "steps", "guidance", "eta", "seed", "samples"),
    *("quality", "solver", "mask_polarity", "category", "variant", "return_mask", "mask_only"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """The command's own arguments, named like the request's fields."""
    for name, meaning in _MEANINGS.items():
        parser.add_argument(f"--{name}", type=existing_file, required=name == "person", metavar="PICTURE", help=meaning)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where result.png goes")
    add_fields(parser, Request, _REQUEST_FIELDS)
    parser.add_argument("--no-repaint", action="store_true", help="leave the result at width x height")
    formats = ("png", "jpeg", "webp")
    parser.add_argument("--format", choices=formats, default="png", help="of the result (default: %(default)s)")
    add_device(parser)
    parser.epilog = DEFAULTS
    parser.set_defaults(command=tryon)


def tryon(arguments: Namespace) -> int:
    """Dress one person."""
    pack = loaded_pack(arguments, "catvton")
    request = _request(arguments, pack.defaults("catvton"))
    files = {field: file for name, field in _INPUTS.items() if (file := getattr(arguments, name)) is not None}
    return run_engine(arguments, pack, request, files)


def _request(arguments: Namespace, defaults: Mapping[str, float]) -> Request:
    given = {name: value for name in _REQUEST_FIELDS if (value := getattr(arguments, name)) is not None}
    pictures = {name: getattr(arguments, name) for name in ("person", "mask", "garment")}
    body: dict[str, object] = {name: str(file) for name, file in pictures.items() if file is not None}
    garments = {part: str(file) for part in ("upper", "lower") if (file := getattr(arguments, part)) is not None}
    if garments:
        body["garments"] = garments
    rest = {"repaint": not arguments.no_repaint, "output": {"format": arguments.format}}
    return Request.model_validate(body | given | rest, context=defaults)
