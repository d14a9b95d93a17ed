"""A container that is a process of this machine: what it may know of it, and how it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

# What an image would have brought along. No credentials, no home.
_MACHINE = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_MACHINE_PREFIXES = ("OMP_", "PYTHON")


@dataclass(frozen=True)
class Stopped:
    """How a container ended: `status` is negative for a signal, `left_behind` are the commands of what outlived it."""

    status: int
    killed: bool
    seconds: float
    left_behind: tuple[str, ...]


def machine_environment() -> dict[str, str]:
    """What a process needs of this machine's environment, and nothing of its user."""
    return {name: value for name, value in os.environ.items() if name in _MACHINE or name.startswith(_MACHINE_PREFIXES)}


def end(process: subprocess.Popen[bytes], kill_after_s: float) -> Stopped:
    """SIGTERM to the leader of a process group, SIGKILL to it in the end, and to whatever is left of the group."""
    began, killed = time.monotonic(), False
    process.terminate()
    try:
        status = process.wait(kill_after_s)
    except subprocess.TimeoutExpired:
        killed = True
        process.kill()
        status = process.wait()
    seconds = time.monotonic() - began
    left_behind = tuple(group_of(process.pid))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return Stopped(status, killed, seconds, left_behind)


def group_of(group: int) -> Iterator[str]:
    """The commands of the living processes of a process group.

    A process that ends gives its memory back, and its command line with it, a moment before it becomes a zombie.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and (command := process.cmdline()):
                yield " ".join(command)
