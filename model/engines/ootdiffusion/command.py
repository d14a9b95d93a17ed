"""`python -m model ootdiffusion`, which also takes the options of the published script."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from model.command import DEFAULTS, add_device, add_fields, existing_file, loaded_pack, run_engine
from model.engines.ootdiffusion.request import Request

_PUBLISHED = {"steps": "step", "guidance": "scale", "samples": "sample", "variant": "model_type"}
_PICTURES = {
    "person": ("--model_path", "who is dressed"),
    "garment": ("--cloth_path", "what is put on"),
    "mask": (None, "white where to paint (default: found automatically)"),
}
_CATEGORIES = ("upper", "lower", "dress")
_FIELDS = ("width", "height", "steps", "guidance", "samples", "variant", "reference", "return_mask")


def add_arguments(parser: ArgumentParser) -> None:
    """The command's own arguments, named like the request's fields, and as the published script calls them."""
    for name, (alias, meaning) in _PICTURES.items():
        options = [f"--{name}", *([alias] if alias else [])]
        parser.add_argument(*options, type=existing_file, required=name != "mask", metavar="PICTURE", help=meaning)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where result.png goes")
    parser.add_argument(
        "--category",
        type=_category,
        default="upper",
        metavar="KIND",
        help=f"of garment: {', '.join(_CATEGORIES)}, or as published 0, 1 or 2 (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=-1, metavar="N", help="-1: a random one (default: %(default)s)")
    add_fields(parser, Request, _FIELDS, _PUBLISHED)
    add_device(parser)
    parser.epilog = DEFAULTS
    parser.set_defaults(command=ootdiffusion)


def _category(word: str) -> str:
    return _CATEGORIES[int(word)] if word in ("0", "1", "2") else word


def ootdiffusion(arguments: Namespace) -> int:
    """Dress one person."""
    pack = loaded_pack(arguments, "ootdiffusion")
    files: dict[str, Path] = {name: file for name in _PICTURES if (file := getattr(arguments, name)) is not None}
    given = {name: value for name in _FIELDS if (value := getattr(arguments, name)) is not None}
    seed = {} if arguments.seed == -1 else {"seed": arguments.seed}
    body = {**{name: str(file) for name, file in files.items()}, **given, **seed, "category": arguments.category}
    request = Request.model_validate(body, context=pack.defaults("ootdiffusion"))
    return run_engine(arguments, pack, request, files)
