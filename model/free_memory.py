"""What of a device's memory nobody uses."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

_CGROUP = Path("/sys/fs/cgroup")
_PAGES_OF_FILES = ("active_file", "inactive_file")  # the kernel takes them back when it needs them


def free_memory_bytes(torch_device: torch.device) -> int:
    """Memory that is free: of the GPU, or of the machine and the container's limit."""
    if torch_device.type == "cuda":
        return torch.cuda.mem_get_info(torch_device)[0]
    free: int = psutil.virtual_memory().available
    allowed = left_of_limit(_CGROUP)
    return free if allowed is None else min(free, allowed)


def left_of_limit(cgroup: Path) -> int | None:
    """What a control group (version 2) may still take; None: as much as there is."""
    limit = cgroup / "memory.max"
    if not limit.is_file() or not (allowed := limit.read_text().strip()).isdigit():
        return None
    statistics = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    used = int((cgroup / "memory.current").read_text())
    return max(int(allowed) - used + sum(int(statistics[name]) for name in _PAGES_OF_FILES), 0)
