"""How much memory the process, or its GPU, has held at most."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import torch

T = TypeVar("T")

_FORGET_PEAK = "5"  # as proc(5) has it


def with_peak(call: Callable[[], T], device: torch.device) -> tuple[T, int]:
    """What `call` returns, and the most bytes it held beyond those that were held before."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        return call(), torch.cuda.max_memory_allocated(device) - before
    forget_peak()
    before = resident()
    return call(), peak() - before


def forget_peak() -> None:
    """Give what was freed back to the kernel, and let it begin anew: nobody inherits another's peak."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)


def resident() -> int:
    """Bytes of the process that are in RAM."""
    return int(psutil.Process().memory_info().rss)


def peak() -> int:
    """The most bytes that were resident since the kernel was told to forget the peak."""
    status = Path("/proc/self/status").read_text()
    [kilobytes] = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(kilobytes)
