"""`python -m model dataset build` and `check`: data sets from one's own photos."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from pathlib import Path

from model.command import existing_folder

_DEFAULTS = {
    "sharpness": (float, 100.0, "least variance of the Laplacian"),
    "darkest": (float, 50.0, "least mean grey level"),
    "brightest": (float, 200.0, "largest mean grey level"),
    "face": (float, 0.3, "least share, 0 to 1, of a usual face that is seen"),
    "side": (int, 300, "least pixels of the shorter side"),
    "needed": (int, 3, "how many of sharpness, brightness, face and side a photo must pass"),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Both commands."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    build = commands.add_parser("build", help="write one from a folder of people and one of garments")
    build.add_argument("--people", type=existing_folder, required=True, metavar="DIR", help="photos of people")
    build.add_argument(
        "--garments",
        type=existing_folder,
        required=True,
        metavar="DIR",
        help="flat pictures, each with the name of the photo that it is worn in",
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="where all three layouts go")
    build.add_argument(
        "--category", choices=("upper", "lower", "overall"), default="upper", help="of all garments (default: upper)"
    )
    build.add_argument(
        "--size", type=_size, default="768x1024", metavar="WxH", help="of all pictures (default: 768x1024)"
    )
    build.add_argument(
        "--variations", type=int, default=5, metavar="N", help="of each photo beside itself (default: 5)"
    )
    build.add_argument(
        "--test-every", type=int, default=10, metavar="N", help="each so manieth person is for testing (default: 10)"
    )
    for name, (kind, default, meaning) in _DEFAULTS.items():
        build.add_argument(f"--{name}", type=kind, default=default, metavar="X", help=f"{meaning} (default: {default})")
    build.set_defaults(command=_build)
    check = commands.add_parser("check", help="say what is wrong with one")
    check.add_argument(
        "folder", type=existing_folder, metavar="DIR", help="in VITON-HD's, DressCode's or Vesaki's layout"
    )
    check.set_defaults(command=_check)


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _build(arguments: Namespace) -> int:
    from model.train.own_photos.building import BuildPlan, build
    from model.train.own_photos.quality import Thresholds

    thresholds = Thresholds(**{field.name: getattr(arguments, field.name) for field in fields(Thresholds)})
    names = ("people", "garments", "out", "category", "size", "variations", "test_every")
    for line in build(BuildPlan(**{name: getattr(arguments, name) for name in names}, thresholds=thresholds)):
        print(line)
    return 0


def _check(arguments: Namespace) -> int:
    from model.train.own_photos.checking import problems

    found = list(problems(arguments.folder))
    print("\n".join(found) or "nothing is wrong")
    return 1 if found else 0
