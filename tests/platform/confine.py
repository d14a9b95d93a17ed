"""What is done in a new namespace before the container is started there: `python -m tests.platform.confine`.

Only the standard library and the kernel: a machine that runs the tests need not have iproute2 or bubblewrap.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

SHARED_MEMORY_MB = 64  # of /dev/shm: what Docker gives unless asked, and SageMaker has no way to ask

# linux/if.h, sys/mount.h, linux/mount.h
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_BIND = 4096
_MOUNT_SETATTR, _HERE, _RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loopback", action="store_true", help="switch it on: a new network has it off")
    parser.add_argument("--read-only", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--writable", type=Path, action="append", default=[], metavar="DIR", help="all the same")
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args()
    if chosen.loopback:
        switch_on("lo")
    for folder in (*chosen.writable, *chosen.read_only):
        if folder != Path("/"):  # which is a mount of its own
            mount(str(folder), folder, None, _BIND, None)
    mount("shm", Path("/dev/shm"), "tmpfs", 0, f"size={SHARED_MEMORY_MB}m")
    for folder in chosen.read_only:
        set_read_only(folder, True)
    for folder in chosen.writable:
        set_read_only(folder, False)
    os.execvp(chosen.command[0], chosen.command)  # noqa: S606 - the container, in this process


def switch_on(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", interface.encode(), 0)
        (flags,) = struct.unpack("16xH22x", fcntl.ioctl(any_socket, _GET_FLAGS, request))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", interface.encode(), flags | _UP))


def mount(source: str, target: Path, kind: str | None, flags: int, options: str | None) -> None:
    encoded = (source.encode(), os.fsencode(target), kind and kind.encode(), flags, options and options.encode())
    check(_libc.mount(*encoded), target)


def set_read_only(folder: Path, read_only: bool) -> None:
    """Also what is mounted below it."""
    attributes = struct.pack("QQQQ", *((_READ_ONLY, 0) if read_only else (0, _READ_ONLY)), 0, 0)
    where = (_HERE, os.fsencode(folder), _RECURSIVE)
    check(_libc.syscall(_MOUNT_SETATTR, *where, attributes, len(attributes)), folder)


def check(result: int, path: Path) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


if __name__ == "__main__":
    main()
