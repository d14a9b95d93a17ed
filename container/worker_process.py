"""One life of a worker process, seen from the front: its socket, its messages, its end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence

from container.messages import MOST_LINE_BYTES, FromWorker, ToWorker, from_worker

# What a worker inherits: how to find its interpreter, libraries and caches. Never AWS_*, never a token.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
_INHERITED_PREFIXES = ("PYTHON", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "TORCH", "PYTORCH_", "TRITON_", "XDG_CACHE_")


log = logging.getLogger(__name__)


def worker_environment(environment: Mapping[str, str], settings: Sequence[str]) -> dict[str, str]:
    """The part of `environment` a worker needs: system variables and the named settings, no secrets."""
    allowed = {*_INHERITED, *settings}
    kept = {
        name: value
        for name, value in environment.items()
        if name.upper() in allowed or name.startswith(_INHERITED_PREFIXES)
    }
    return kept | {"HF_HUB_OFFLINE": "1"}


class WorkerProcess:
    """A started worker. Iterate over it for its messages; the iteration ends when it has died."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> WorkerProcess:
        """Run `command --fd N` with N its end of a socketpair."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command, "--fd", str(theirs.fileno()), env=environment, pass_fds=[theirs.fileno()]
            )
        return cls(process, *await asyncio.open_connection(sock=ours, limit=MOST_LINE_BYTES))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: ToWorker) -> None:
        """Tell the worker. A dead one does not hear; its death is noticed by the iteration."""
        self._writer.write(message.line())

    async def __aiter__(self) -> AsyncIterator[FromWorker]:
        try:
            async for line in self._reader:
                yield from_worker.validate_json(line)
        except ConnectionError:
            return
        except ValueError:  # no message, or a line that does not end
            log.exception("a worker cannot be understood", extra={"pid": self.pid})

    async def end(self) -> int:
        """Wait for the death of the process; returns its exit status."""
        self._writer.close()
        return await self._process.wait()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        try:
            os.kill(self._process.pid, 9)
        except ProcessLookupError:
            return
