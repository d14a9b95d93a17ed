"""A gzipped archive of a folder that is made while it is read."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType

_LEVEL = 1  # weights hardly shrink; more only takes longer


class TarStream:
    """A readable stream of bytes; use it as a context.

    Args:
        folder: whose files, and no more than that, are at the archive's root.
        names: of its files.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._names = names
        self._complete = False
        self._error: OSError | None = None
        reading, self._writing = os.pipe()
        self._read = os.fdopen(reading, "rb")
        self._writer = Thread(target=self._write, daemon=True)

    def __enter__(self) -> TarStream:
        self._writer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._read.close()  # a writer that is still at it meets a broken pipe
        self._writer.join()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end.

        Raises:
            OSError: a file could not be read: what came so far is no archive.
        """
        content = self._read.read(size)
        if len(content) < size or size < 0:
            self._writer.join()
            if not self._complete:
                raise OSError(f"the archive was cut short: {self._error}") from self._error
        return content

    def _write(self) -> None:
        try:
            with (
                os.fdopen(self._writing, "wb") as pipe,
                gzip.GzipFile(fileobj=pipe, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|") as archive,
            ):
                for name in self._names:
                    archive.add(self._folder / name, name, filter=_anonymous)
            self._complete = True
        except OSError as error:  # raised where it is read
            self._error = error


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
