"""The instance types Atelier can be rented on, what fits which, and what a thousand pictures cost.

python sagemaker/instances.py                                     # the tables
python sagemaker/instances.py --write                             # into INSTANCES.md
python sagemaker/instances.py cost --seconds 9.4 --price 1.41 --utilisation 0.7

Prices differ by region and change: bring the hourly one of your instance type, and the seconds you have measured.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent / "INSTANCES.md"


@dataclass(frozen=True)
class Gpu:
    """memory_gib: of one card, as EC2 states it. compute_capability: what CUDA kernels are compiled for."""

    name: str
    memory_gib: float
    compute_capability: str


@dataclass(frozen=True)
class Instance:
    """One instance type of hosting.

    gpus: how many cards. gpu_memory_gib: of each. memory_gib: the host's. nvme_gb: of the instance's own disk.
    batch_transform: whether transform jobs may use it.
    """

    gpu: str
    gpus: int
    gpu_memory_gib: float
    compute_capability: str
    vcpus: int
    memory_gib: int
    nvme_gb: int
    batch_transform: bool

    @property
    def local_nvme(self) -> bool:
        """Whether it has a local disk."""
        return self.nvme_gb > 0


_GPUS = {
    "g4dn": Gpu("T4", 16, "7.5"),
    "g5": Gpu("A10G", 22888 / 1024, "8.6"),
    "g6": Gpu("L4", 22888 / 1024, "8.9"),
    "g6e": Gpu("L40S", 45776 / 1024, "8.9"),
    "p4d": Gpu("A100", 40, "8.0"),
    "p4de": Gpu("A100", 80, "8.0"),
    "p5": Gpu("H100", 80, "9.0"),
    "p5e": Gpu("H200", 141, "9.0"),
    "p5en": Gpu("H200", 141, "9.0"),
}

# Per type: cards, vCPUs, host GiB, local GB. From EC2's DescribeInstanceTypes. Blackwell (g7, g7e, p6) is absent
# because CUDA 11.8 cannot compile for it, Volta and Kepler (p3, p2) because the image is not built for them.
_SIZES = {
    "g4dn": {
        "xlarge": (1, 4, 16, 125),
        "2xlarge": (1, 8, 32, 225),
        "4xlarge": (1, 16, 64, 225),
        "8xlarge": (1, 32, 128, 900),
        "12xlarge": (4, 48, 192, 900),
        "16xlarge": (1, 64, 256, 900),
    },
    "g5": {
        "xlarge": (1, 4, 16, 250),
        "2xlarge": (1, 8, 32, 450),
        "4xlarge": (1, 16, 64, 600),
        "8xlarge": (1, 32, 128, 900),
        "12xlarge": (4, 48, 192, 3800),
        "16xlarge": (1, 64, 256, 1900),
        "24xlarge": (4, 96, 384, 3800),
        "48xlarge": (8, 192, 768, 7600),
    },
    "g6": {
        "xlarge": (1, 4, 16, 250),
        "2xlarge": (1, 8, 32, 450),
        "4xlarge": (1, 16, 64, 600),
        "8xlarge": (1, 32, 128, 900),
        "12xlarge": (4, 48, 192, 3760),
        "16xlarge": (1, 64, 256, 1880),
        "24xlarge": (4, 96, 384, 3760),
        "48xlarge": (8, 192, 768, 7520),
    },
    "g6e": {
        "xlarge": (1, 4, 32, 250),
        "2xlarge": (1, 8, 64, 450),
        "4xlarge": (1, 16, 128, 600),
        "8xlarge": (1, 32, 256, 900),
        "12xlarge": (4, 48, 384, 3800),
        "16xlarge": (1, 64, 512, 1900),
        "24xlarge": (4, 96, 768, 3800),
        "48xlarge": (8, 192, 1536, 7600),
    },
    "p4d": {"24xlarge": (8, 96, 1152, 8000)},
    "p4de": {"24xlarge": (8, 96, 1152, 8000)},
    "p5": {"4xlarge": (1, 16, 256, 3800), "48xlarge": (8, 192, 2048, 30400)},
    "p5e": {"48xlarge": (8, 192, 2048, 30400)},
    "p5en": {"48xlarge": (8, 192, 2048, 30400)},
}

INSTANCES = {
    f"ml.{family}.{size}": Instance(
        gpu=_GPUS[family].name,
        gpus=gpus,
        gpu_memory_gib=_GPUS[family].memory_gib,
        compute_capability=_GPUS[family].compute_capability,
        vcpus=vcpus,
        memory_gib=memory_gib,
        nvme_gb=nvme_gb,
        batch_transform=family.startswith("g"),
    )
    for family, sizes in _SIZES.items()
    for size, (gpus, vcpus, memory_gib, nvme_gb) in sizes.items()
}


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
    from instance_tables import tables  # which needs the types from here

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
        PAGE.write_text(tables())
        print(PAGE)
    else:
        print(tables(), end="")
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="instances.py", description="What fits which instance type, and what it costs.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    commands = parser.add_subparsers(dest="command", metavar="cost")
    cost = commands.add_parser("cost", help="of 1000 pictures")
    cost.add_argument("--seconds", type=float, required=True, help="that one picture takes one GPU")
    cost.add_argument("--price", type=float, required=True, help="of the instance, an hour")
    cost.add_argument("--utilisation", type=float, default=1.0, help="share of the paid time in which it computes")
    cost.add_argument("--instance", choices=tuple(INSTANCES), metavar="TYPE", help="whose GPUs share the work")
    return parser


if __name__ == "__main__":
    sys.exit(main())
