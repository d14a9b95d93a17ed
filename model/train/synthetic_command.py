"""`python -m model synthetic`: data sets of made-up people to train and evaluate on, in the layouts of the field."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from model.clothes.cut import GarmentPlace

_SIZE = "384x512"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--layout", required=True, choices=("vitonhd", "dresscode", "up2you"), help="whose folders are written"
    )
    parser.add_argument("--count", type=int, required=True, metavar="N", help="examples; of up2you, people")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")
    parser.add_argument(
        "--split", choices=("train", "test"), default="train", help="which lists are written (default: train)"
    )
    parser.add_argument("--size", type=_size, default=_SIZE, metavar="WxH", help=f"even numbers (default: {_SIZE})")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other people (default: 0)")
    parser.add_argument(
        "--paintings",
        type=int,
        default=1,
        metavar="K",
        help="times a geometry is used, in other colours and cloth (default: 1)",
    )
    parser.add_argument("--processes", type=int, default=1, metavar="P", help="that compute side by side (default: 1)")
    parser.add_argument(
        "--flow",
        action="store_true",
        help="also where in its flat picture each pixel of a garment lies, and labels of the body without clothes",
    )
    parser.set_defaults(command=synthetic_command)


def synthetic_command(arguments: Namespace) -> int:
    """Write one data set."""
    from model.synthetic.datasets.collections import write_collections
    from model.synthetic.datasets.layouts import write_dresscode, write_vitonhd
    from model.synthetic.datasets.records import PLACES, records

    if arguments.layout == "up2you":
        people = write_collections(arguments.out, arguments.count, arguments.seed, arguments.size)
        for _ in tqdm(people, total=arguments.count, unit="person"):
            pass
        return 0
    places: Mapping[GarmentPlace, float] = {"upper": 1.0} if arguments.layout == "vitonhd" else PLACES
    made = records(
        arguments.count,
        arguments.size,
        arguments.seed,
        places,
        arguments.paintings,
        arguments.processes,
        flow=arguments.flow,
    )
    write = write_vitonhd if arguments.layout == "vitonhd" else write_dresscode
    write(arguments.out, arguments.split, tqdm(made, total=arguments.count, unit="picture"))
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not (int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, got {text!r}")
    return int(width), int(height)
