"""The instance types of hosting that the image runs on."""

from __future__ import annotations

from dataclasses import dataclass


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
