"""`tryon`: dress a person."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import httpx

from client.options import CATEGORIES, add_delivery, add_engine, add_platform, add_sampling, add_where, sampling
from client.references import given, picture, references
from client.results import results_of
from model.contact_sheet import contact_sheet
from model.pictures.reading import read_picture

_PICTURES = {
    "person": "who is dressed",
    "garment": "what is put on; or instead of it --upper and --lower",
    "upper": "with --lower, instead of --garment",
    "lower": "with --upper, instead of --garment",
    "mask": "white where to paint (default: found automatically)",
}


def add_arguments(parser: ArgumentParser) -> None:
    pictures = parser.add_argument_group("pictures", "a file, or an https:// or s3:// address the server fetches")
    for name, meaning in _PICTURES.items():
        pictures.add_argument(f"--{name}", type=picture, required=name == "person", metavar="PICTURE", help=meaning)
    parser.add_argument(
        "--category", choices=(*CATEGORIES, "auto"), help="of the garment, without --mask (default: upper)"
    )
    parser.add_argument(
        "--variant",
        choices=("mask", "maskfree"),
        help="(default: mask, if its weights are there)",
    )
    parser.add_argument("--no-repaint", action="store_true", help="as painted, not pasted into the photo")
    parser.add_argument("--format", choices=("png", "jpeg", "webp"), help="of the results (default: png)")
    add_engine(parser)
    add_sampling(parser)
    add_delivery(parser)
    add_where(parser)
    add_platform(parser)
    parser.set_defaults(run=run, problem=problem)


def problem(args: Namespace) -> str | None:
    """What is wrong with the options together."""
    if [bool(args.upper), bool(args.lower)] != 2 * [not args.garment]:
        return "give either --garment, or --upper and --lower"
    return None


def run(http: httpx.Client, args: Namespace) -> None:
    results = results_of(http, _body(args), args.out)
    inputs = [(name, argument) for name in _PICTURES if (argument := getattr(args, name))]
    if results and not any("://" in argument for _, argument in inputs):
        side_by_side = args.out / "side_by_side.png"
        named = [*inputs, *((file.stem, file) for file in results)]
        columns = [[read_picture(Path(file), name)] for name, file in named]
        contact_sheet(columns, [name for name, _ in named], cell=(360, 480)).save(side_by_side)
        print(side_by_side)


def _body(args: Namespace) -> dict[str, object]:
    """The request as the command line has it; what was not given is left to the server."""
    both = {"upper": args.upper, "lower": args.lower}
    body = {
        "type": "tryon",
        **given({"engine": args.engine}),
        **references(given({"person": args.person, "mask": args.mask})),
        **(references({"garment": args.garment}) if args.garment else {"garments": references(both)}),
        **sampling(args),
        "category": args.category,
        "variant": args.variant,
        "repaint": False if args.no_repaint else None,
        "id": args.id,
        "deadline_s": args.deadline_s,
        "output": given({"prefix": args.output_prefix, "format": args.format}),
    }
    return given(body)
