from __future__ import annotations

from pathlib import Path


def files(folder: Path) -> list[Path]:
    """It has no weights."""
    return []
