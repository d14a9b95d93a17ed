"""Jobs on disk. A job is one directory, and its marks say how far it came:

    SPOOL_DIR/<32 hex of sha256(id)>/   mode 0700; making it is the claim on the id
        inputs/<name>                   as the client sent them
        request.json   accepted         engine, request without its pictures, where results go
        ready          all inputs of a durable job are there
        outputs/<name>                  by the worker
        result.json    computed         by the worker, after its outputs are closed
        answer.json    stored           by the front, after every upload is confirmed

Every mark (`serve/marks.py`) is written beside its place and renamed there, so it is whole or absent.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from model.codes import CommonCode
from serve.errors import NotReady
from serve.marks import Mark, Settled
from serve.names import name_of
from serve.place import put_in_place

M = TypeVar("M", bound=Mark)


class SpoolInUse(Exception):  # noqa: N818 - ends the process
    """Another front works on this spool."""


class JobDirectory:
    """One job's files and marks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inputs = path / "inputs"
        self.outputs = path / "outputs"

    @property
    def name(self) -> str:
        return self.path.name

    def read(self, kind: type[M]) -> M | None:
        """The content of a mark, or None where it is absent.

        Raises:
            ValidationError: another version has written it.
        """
        try:
            return kind.model_validate_json((self.path / kind.file).read_bytes())
        except FileNotFoundError:
            return None

    def has(self, kind: type[Mark]) -> bool:
        """Whether the mark is set."""
        return (self.path / kind.file).exists()

    def mark(self, mark: Mark) -> None:
        """Set a mark."""
        put_in_place(self.path / mark.file, mark.model_dump_json().encode())

    def settled_at(self) -> float | None:
        """When it was answered, in seconds since 1970; None: not yet, or it was erased."""
        try:
            return (self.path / Settled.file).stat().st_mtime
        except FileNotFoundError:
            return None

    def settle(self, settled: Settled) -> None:
        """Keep only the answer: the pictures are erased."""
        try:
            self.mark(settled)
        except OSError:  # a full disk: there may be room where the pictures are
            self._erase_all_but_the_answer()
            self.mark(settled)
        self._erase_all_but_the_answer()

    def _erase_all_but_the_answer(self) -> None:
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != Settled.file:
                entry.unlink()

    def erase(self) -> None:
        """Forget the job."""
        shutil.rmtree(self.path, ignore_errors=True)


class Spool:
    """All job directories of one front, which holds the lock on them while it lives."""

    def __init__(self, root: Path, *, min_free_bytes: int, ttl_s: float, holder: str = "a server") -> None:
        """`holder`: told to another front that comes here, so that people know whose spool it is."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root
        self._min_free_bytes = min_free_bytes
        self._ttl_s = ttl_s
        self._lock = (root / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            with self._lock:
                other = self._lock.read().strip() or "another server"
            raise SpoolInUse(f"SPOOL_DIR={root} is that of {other}; give this server a SPOOL_DIR of its own") from None
        with contextlib.suppress(OSError):  # a full disk
            self._lock.truncate(0)
            self._lock.write(holder)
            self._lock.flush()

    def close(self) -> None:
        """Let go of the lock."""
        self._lock.close()

    def directory(self, job_id: str) -> JobDirectory:
        """Where the job of this id lives, whether or not it does. The id itself never becomes a path."""
        return JobDirectory(self._root / hashlib.sha256(name_of(job_id).encode()).hexdigest()[:32])

    def claim(self, job_id: str) -> JobDirectory:
        """Make the job's directory, in place of what a cut-off job of this id may have left.

        Raises:
            NotReady: less than `SPOOL_MIN_FREE_BYTES` of disk are left.
        """
        if shutil.disk_usage(self._root).free < self._min_free_bytes:
            raise NotReady("the disk for jobs is nearly full", code=CommonCode.DISK_FULL, retry_after_s=60)
        directory = self.directory(job_id)
        directory.erase()
        try:
            directory.path.mkdir(mode=0o700)
            directory.inputs.mkdir()
        except OSError:
            directory.erase()
            raise
        return directory

    def __iter__(self) -> Iterator[JobDirectory]:
        return (JobDirectory(path) for path in sorted(self._root.iterdir()) if path.is_dir())

    def expired(self) -> list[JobDirectory]:
        """Those whose answer is older than its time to live. Reads the whole spool: for a thread."""
        return [directory for directory in self if self._is_expired(directory)]

    def erase_expired(self, found: Iterable[JobDirectory]) -> None:
        """Erase what is still expired: the id of another may have been claimed anew. For the thread that claims."""
        for directory in found:
            if self._is_expired(directory):
                directory.erase()

    def _is_expired(self, directory: JobDirectory) -> bool:
        answered = directory.settled_at()
        return answered is not None and time.time() - answered > self._ttl_s
