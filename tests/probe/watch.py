"""Which files a process touches, written to a log by the interpreter itself: for tests that say what it never does."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "PYTHON_FILE_LOG"  # a worker inherits what begins with PYTHON

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What is made, moved or removed: event -> its arguments that are paths, each with that of the folder it is relative to.
_CHANGES: dict[str, list[tuple[int, int | None]]] = {
    "os.mkdir": [(0, 2)],
    "os.rmdir": [(0, 1)],
    "os.remove": [(0, 1)],
    "os.rename": [(0, 2), (1, 3)],
    "os.link": [(0, 2), (1, 3)],
    "os.symlink": [(1, 2)],
    "os.chmod": [(0, 2)],
    "os.chown": [(0, 3)],
    "os.truncate": [(0, None)],
    "os.utime": [(0, 3)],
}


def watch(log: str) -> None:
    """From here on, note every path that this process opens or changes, whatever comes of it."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(path: Any, folder_fd: Any, written: bool) -> None:
        if isinstance(path, int):  # opened before, and noted then
            return
        folder = os.readlink(f"/proc/self/fd/{folder_fd}") if isinstance(folder_fd, int) and folder_fd >= 0 else ""
        full = os.path.abspath(os.path.join(folder, os.fsdecode(path)))
        os.write(fd, json.dumps({"path": full, "written": written}).encode() + b"\n")

    sys.addaudithook(hook(note))


def hook(note: Callable[[Any, Any, bool], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            note(path, None, bool(flags & _WRITING))
        for path, folder in _CHANGES.get(event, ()):
            note(arguments[path], None if folder is None else arguments[folder], True)

    return heard


def touched(log: Path) -> tuple[set[Path], set[Path]]:
    """What was read at most, and what was written."""
    noted = [json.loads(line) for line in log.read_text().splitlines()]
    read, written = ({Path(entry["path"]) for entry in noted if entry["written"] is was} for was in (False, True))
    return read, written
