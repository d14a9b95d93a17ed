"""Files that operating systems and tools leave beside pictures. Nobody means them when he names a folder of photos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

_KINDS = frozenset({".crc", ".db", ".ini", ".json", ".md5", ".part", ".sha256", ".tmp"})
_SHOWN = 10  # names: a line of a log, not a page


def is_stray(address: str) -> bool:
    """`.DS_Store`, `_SUCCESS`, `Thumbs.db`, `manifest.json` are; `notes.txt` is not: somebody has put it there."""
    name = PurePosixPath(address).name
    return name.startswith((".", "_")) or PurePosixPath(name).suffix.lower() in _KINDS


def names(addresses: Iterable[str]) -> str:
    """The names of files, for a sentence."""
    named = [PurePosixPath(address).name[:60] for address in addresses]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return ", ".join(named[:_SHOWN]) + more
