"""Folders a container cannot write to and networks it cannot leave, by namespaces of its own, as root or as anybody.

Needs `unshare` and `nsenter` (util-linux) and a kernel (5.12) that lets this user make namespaces; `unsupported()` says
what is in the way. What isolation means: https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
"""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.platform.door import ANSWERED, ASKED
from tests.server import ROOT

_ENTER_S = 180.0


class Unsupported(Exception):  # noqa: N818 - what is missing
    """This machine does not let us make namespaces."""


@dataclass(frozen=True)
class Confinement:
    """What a command is kept from.

    Args:
        network: everything beyond the loopback, if False.
        read_only: folders it cannot write to; `/` for all, with what is mounted there.
        writable: folders below these which it can write to all the same.
    """

    network: bool = True
    read_only: Sequence[Path] = ()
    writable: Sequence[Path] = ()

    def around(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` like this, in the same process."""
        return [
            *("unshare", "--mount"),
            *(() if privileged() else ("--user", "--map-root-user")),
            *(() if self.network else ("--net",)),
            *(sys.executable, "-m", "tests.platform.confine"),
            *(() if self.network else ("--loopback",)),
            *(f"--read-only={folder}" for folder in self.read_only),
            *(f"--writable={folder}" for folder in self.writable),
            *("--", *command),
        ]


@functools.cache
def privileged() -> bool:
    """Whether we may make namespaces as we are; even root may not within a container, and needs a user namespace."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@functools.cache
def unsupported() -> str | None:
    """Why nothing can be confined here; None if it can."""
    try:
        trial = Confinement(network=False, read_only=[ROOT]).around(["true"])
        done = subprocess.run(trial, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["unshare failed"])[-1]


class Door:
    """Connections to ports in the network of a process.

    Raises:
        OSError: the process has ended.
    """

    def __init__(self, pid: int) -> None:
        wait_for_own_network(pid)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        user = () if privileged() else ("--user", "--preserve-credentials")
        enter = ["nsenter", f"--target={pid}", *user, "--net"]
        with theirs:
            stand = [sys.executable, "-m", "tests.platform.door", str(theirs.fileno())]
            self._process = subprocess.Popen([*enter, *stand], cwd=ROOT, pass_fds=[theirs.fileno()])
        self._ours = ours
        self._one_at_a_time = threading.Lock()

    def connect(self, port: int, seconds: float) -> socket.socket:
        """A connection to this port of its loopback.

        Raises:
            OSError: refused, or not accepted within `seconds`.
        """
        with self._one_at_a_time:
            self._ours.send(ASKED.pack(port, seconds))
            answer, handed_out, _, _ = socket.recv_fds(self._ours, ANSWERED.size, 1)
        if not handed_out:
            number = ANSWERED.unpack(answer)[0] if answer else 0
            raise OSError(number, os.strerror(number) if answer else "the door has ended")
        return socket.socket(fileno=handed_out[0])

    def close(self) -> None:
        self._ours.close()
        self._process.wait()


def wait_for_own_network(pid: int) -> None:
    ends = time.monotonic() + _ENTER_S
    while os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        if time.monotonic() > ends:
            raise TimeoutError(f"process {pid} has no network of its own after {_ENTER_S:g} s")
        time.sleep(0.01)
