"""The instance types Atelier can be rented on, what fits which, and what a thousand pictures cost.

python sagemaker/instances.py                                     # the tables
python sagemaker/instances.py --write                             # into INSTANCES.md
python sagemaker/instances.py cost --seconds 9.4 --price 1.41 --utilisation 0.7

Prices differ by region and change: bring the hourly one of your instance type, and the seconds you have measured.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from rent.instance_types import INSTANCES
from rent.page import page

PAGE = Path(__file__).parent / "INSTANCES.md"


def cost_of_1000(seconds: float, price: float, utilisation: float = 1.0, gpus: int = 1) -> float:
    """What 1000 results cost, in the currency of `price`.

    Args:
        seconds: that one result takes one GPU, measured under the load in question: results that share forwards
            take less each.
        price: of an hour of the instance.
        utilisation: share of the hours paid for in which it computes, above 0 and at most 1.
        gpus: of the instance, each with a worker of its own.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not (seconds > 0 and price >= 0 and 0 < utilisation <= 1 and gpus >= 1):
        raise ValueError(f"seconds {seconds}, price {price}, utilisation {utilisation}, gpus {gpus}")
    return 1000 * seconds * price / 3600 / utilisation / gpus


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.command == "cost":
        gpus = INSTANCES[arguments.instance].gpus if arguments.instance else 1
        try:
            cost = cost_of_1000(arguments.seconds, arguments.price, arguments.utilisation, gpus)
        except ValueError as error:
            print(f"error: {error}: out of range", file=sys.stderr)
            return 2
        print(
            f"{cost:.2f} per 1000 = 1000 x {arguments.seconds:g} s x {arguments.price:g} an hour / 3600 s"
            f" / {arguments.utilisation:g} busy / {gpus} GPU(s)"
        )
    elif arguments.write:
        PAGE.write_text(page(), encoding="utf-8")
        print(PAGE)
    else:
        print(page(), end="")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="instances.py", description="What fits which instance type, and what it costs.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    commands = parser.add_subparsers(dest="command", metavar="cost")
    cost = commands.add_parser("cost", help="of 1000 pictures")
    cost.add_argument("--seconds", type=float, required=True, help="that one picture takes one GPU")
    cost.add_argument("--price", type=float, required=True, help="of the instance, an hour")
    cost.add_argument(
        "--utilisation",
        type=float,
        default=1.0,
        help="share of the paid time in which it computes (default: %(default)s)",
    )
    cost.add_argument(
        "--instance",
        choices=tuple(INSTANCES),
        metavar="TYPE",
        help=f"whose GPUs share the work: {', '.join(INSTANCES)} (default: one GPU)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
