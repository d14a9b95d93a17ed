"""Where perception's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

# The models that label a person, and how many classes each tells apart.
LABEL_MAPS = {
    "perception/densepose.onnx": 25,
    "perception/parsing_lip.onnx": 20,
    "perception/parsing_atr.onnx": 18,
}


def label_map_files(weights: Path) -> dict[Path, int]:
    """The models that label a person, present or not, and how many classes each tells apart."""
    return {weights / name: classes for name, classes in LABEL_MAPS.items()}
