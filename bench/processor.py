"""What the processor is and who has been using it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from tests.server import Server


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cores_busy(over_s: float = 1.0) -> float:
    """Cores in use right now, by anybody."""
    return round(psutil.cpu_percent(over_s) / 100 * (os.cpu_count() or 1), 2)


def all_cpu_s(pid: int) -> float:
    """Processor seconds that a process and those below it have used."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def worker_cpu_s(server: Server) -> float:
    """Processor seconds its worker has used: unlike time on the clock, the same on a busy machine."""
    [worker] = server.workers()
    times = worker.cpu_times()
    return float(times.user + times.system)
