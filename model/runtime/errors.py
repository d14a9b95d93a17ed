"""What a device's errors mean."""

from __future__ import annotations

import torch


class CrowdedError(Exception):
    """Every live job waits for memory that another one holds. Run this job again when it is alone."""


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA has a class for it; the CPU allocator raises a bare RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def is_device_lost(error: BaseException) -> bool:
    """After any other CUDA error the context cannot be used again."""
    return isinstance(error, RuntimeError) and "CUDA error" in str(error)
