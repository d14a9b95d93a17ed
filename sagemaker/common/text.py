"""Text of files that people write: UTF-8 whatever the locale, with or without a byte order mark, or UTF-16."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from common.failures import Failed

STDIN = "-"


def read_text(file: str | Path) -> str:
    """All of a file, or of stdin (`-`).

    Raises:
        Failed: it is in another encoding.
        OSError: it cannot be read.
    """
    content = sys.stdin.buffer.read() if str(file) == STDIN else Path(file).read_bytes()
    encoding = json.detect_encoding(content)  # as JSON's own RFC tells them apart
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Failed(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from None


def lines_of(text: str) -> list[str]:
    """As JSON lines are cut: at line feeds, and not at the other separators that Unicode has and JSON may contain."""
    return [line.removesuffix("\r") for line in text.split("\n")]
