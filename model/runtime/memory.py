"""What is free on a device beside the weights, and how jobs and forwards share it."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch
from torch import nn

from model.runtime.device_config import MemoryProfile
from model.runtime.offload import bytes_at_once

_CGROUP = Path("/sys/fs/cgroup")
_PAGES_OF_FILES = ("active_file", "inactive_file")  # the kernel takes them back when somebody needs them


class DeviceMemory:
    """One number, found out when everything that stays is loaded, and two shares of it.

    Args:
        told_bytes: the number, if it is not to be found out.
    """

    def __init__(self, torch_device: torch.device, profile: MemoryProfile, told_bytes: int | None) -> None:
        self._torch_device = torch_device
        self._profile = profile
        self._told_bytes = told_bytes
        self._bytes: int | None = None
        self._networks: list[nn.Module] = []
        self._free_at_first = free_memory_bytes(torch_device)

    def holds(self, network: nn.Module) -> None:
        """These weights stay."""
        self._networks.append(network)

    def measure(self) -> None:
        """Find out what is free now. Else it is found out when the first job comes."""
        self._bytes = max(self._free_bytes() if self._told_bytes is None else self._told_bytes, 0)

    def _free_bytes(self) -> int:
        if self._torch_device.type == "cuda":
            torch.cuda.empty_cache()
            free = free_memory_bytes(self._torch_device)
            return free - bytes_at_once(self._networks, "low") if self._profile == "low" else free
        # Weights may be pages of files that nobody has touched yet: they look free, and will not be.
        return self._free_at_first - bytes_at_once(self._networks, self._profile)

    @property
    def total_bytes(self) -> int:
        """What live jobs and a forward may hold together."""
        if self._bytes is None:
            self.measure()
        return self._bytes or 0

    @property
    def job_bytes(self) -> int:
        """What live jobs may hold together: half, as one row of a forward takes many times what its job holds."""
        return self.total_bytes // 2


def free_memory_bytes(torch_device: torch.device) -> int:
    """Memory that is free: of the GPU, or of the machine and the container's limit."""
    if torch_device.type == "cuda":
        return torch.cuda.mem_get_info(torch_device)[0]
    free: int = psutil.virtual_memory().available
    allowed = left_of_limit(_CGROUP)
    return free if allowed is None else min(free, allowed)


def left_of_limit(cgroup: Path) -> int | None:
    """What a control group (version 2) may still take; None: whatever there is."""
    limit = cgroup / "memory.max"
    if not limit.is_file() or not (allowed := limit.read_text().strip()).isdigit():
        return None
    statistics = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    used = int((cgroup / "memory.current").read_text())
    return max(int(allowed) - used + sum(int(statistics[name]) for name in _PAGES_OF_FILES), 0)
