"""Stands in a container's network and hands connections out of it: `python -m tests.platform.door FD`.

A platform reaches an isolated container although that reaches nothing. Sockets stay in the network they were made in,
wherever they are used.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

ASKED, ANSWERED = struct.Struct("!Hd"), struct.Struct("!i")  # port, seconds; errno


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as outside:
        while asked := outside.recv(ASKED.size):
            port, seconds = ASKED.unpack(asked)
            try:
                with socket.create_connection(("127.0.0.1", port), seconds) as connection:
                    socket.send_fds(outside, [ANSWERED.pack(0)], [connection.fileno()])
            except OSError as error:
                outside.send(ANSWERED.pack(error.errno or errno.ETIMEDOUT))


if __name__ == "__main__":
    main()
