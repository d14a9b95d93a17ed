"""Devices of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from model.runtime.device import Device, open_device
from model.runtime.device_config import DeviceConfig


@contextmanager
def cpu_device(config: DeviceConfig | None = None) -> Iterator[Device]:
    """The CPU, which computes in one thread: the same numbers on every machine, and none waits for another's core."""
    torch.set_num_threads(1)
    device = open_device("cpu", config=config)
    try:
        yield device
    finally:
        device.close()
