"""Where the warping try-on's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

from model.perception.files import label_map_files

WEIGHTS = "warp/warp.safetensors"


def files(weights: Path) -> list[Path]:
    """Every file the engine reads, present or not, and those that it reads only if they are there."""
    file = weights / WEIGHTS
    return [file, *(maps for maps in label_map_files(weights) if file.is_file() and maps.is_file())]
