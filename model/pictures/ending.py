"""Files that end early."""

from __future__ import annotations

from struct import error as StructError
from struct import unpack_from


class EndsEarlyError(Exception):
    """share: of the picture, or where nobody can tell of the file, that is there, 0..1."""

    def __init__(self, share: float) -> None:
        super().__init__(share)
        self.share = share


def share_of_file(content: bytes) -> float:
    """How much of a WebP or HEIF file is there, by the lengths it gives; 1 for a whole file, or one that gives none."""
    try:
        if content[:4] == b"RIFF":
            (length,) = unpack_from("<I", content, 4)
            return min(1.0, len(content) / (int(length) + 8))
        if content[4:8] == b"ftyp":
            return min(1.0, len(content) / _end_of_boxes(content))
    except (StructError, ZeroDivisionError):
        pass
    return 1.0


def _end_of_boxes(content: bytes) -> int:
    """Where the last top-level box of an ISO base media file ends, or would."""
    at = 0
    while at + 8 <= len(content):
        (size,) = unpack_from(">I", content, at)
        if size == 1:
            (size,) = unpack_from(">Q", content, at + 8)
        if size < 8:  # 0: to the end of the file
            return len(content)
        at += int(size)
    return at
