"""Options that several commands have."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path

from client.references import given

Numbers = Mapping[str, tuple[type, str]]  # field -> its kind and what it means
CATEGORIES = ("upper", "lower", "overall", "inner", "outer")  # of garments

_TRYON_NUMBERS: Numbers = {
    "width": (int, "of what is painted, a multiple of 8 in 64..2048 (default: the weights' own, else 768)"),
    "height": (int, "likewise (default: the weights' own, else 1024)"),
    "steps": (int, "of denoising, 1..200 (default: the quality's)"),
    "guidance": (float, "how closely the garment is followed, 0..20; at 1 or below a step costs half (default: 2.5)"),
    "eta": (float, "fresh noise at every step, 0..1 (default: the quality's)"),
    "seed": (int, "0..2^32-1; the same seed gives the same picture (default: random, and told)"),
    "samples": (int, "how many pictures, 1..4 (default: 1)"),
}


def add_engine(parser: ArgumentParser) -> None:
    parser.add_argument("--engine", help="who does it, as `models` lists them (default: as the server chooses)")


def add_where(parser: ArgumentParser) -> None:
    """Which container is asked."""
    parser.add_argument("--url", help="a running container (default: a server is started here)")
    parser.add_argument("--model-dir", default="demo", help="weights of the server started here (default: %(default)s)")


def add_platform(parser: ArgumentParser) -> None:
    """Whether it is hosted as SageMaker does."""
    parser.add_argument(
        "--as-sagemaker",
        nargs="?",
        const="",
        metavar="IMAGE",
        help="host a server, or IMAGE, as SageMaker does, ask through boto3, and tell what the platform saw",
    )
    parser.add_argument("--async", action="store_true", dest="queued", help="with it: as an asynchronous endpoint")


def add_sampling(parser: ArgumentParser) -> None:
    """How a try-on is painted."""
    add_numbers(parser, _TRYON_NUMBERS)
    qualities, solvers = ("best", "balanced", "fast"), ("ddim", "dpmpp")
    parser.add_argument("--quality", choices=qualities, help="a preset; options beside it win (default: best)")
    parser.add_argument("--solver", choices=solvers, help="of the denoising steps (default: the quality's)")


def sampling(args: Namespace) -> dict[str, object]:
    """The request's fields of `add_sampling`."""
    return fields(args, (*_TRYON_NUMBERS, "quality", "solver"))


def add_numbers(parser: ArgumentParser, numbers: Numbers) -> None:
    """One option a field."""
    for name, (kind, meaning) in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=meaning)


def add_delivery(parser: ArgumentParser) -> None:
    """Where results go."""
    parser.add_argument("--id", help="idempotency key, letters, digits, '.', '_' and '-' (default: random)")
    parser.add_argument("--deadline-s", type=float, metavar="N", help="give up after this long (default: the server's)")
    parser.add_argument(
        "--output-prefix", metavar="s3://...", help="where the server stores the results (default: its own, or nowhere)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")


def fields(args: Namespace, names: Iterable[str]) -> dict[str, object]:
    """Those of the options that were given, as fields of a request."""
    return given({name: getattr(args, name) for name in names})
