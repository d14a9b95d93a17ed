"""Where perception's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

# The models that label a person, and how many classes each tells apart.
LABEL_MAPS = {
    "perception/densepose.onnx": 25,
    "perception/parsing_lip.onnx": 20,
    "perception/parsing_atr.onnx": 18,
}

# A detector of people.
DETECTOR_FILE = "perception/detector.onnx"

# The published DensePose as `python -m model convert` writes it: read in place of an ONNX file that is not there.
_DENSEPOSE_ONNX, _DENSEPOSE_TENSORS = "perception/densepose.onnx", "perception/densepose.safetensors"


def label_map_files(weights: Path) -> dict[Path, int]:
    """The models that label a person, present or not, and how many classes each tells apart."""
    return {weights / _present(weights, name): classes for name, classes in LABEL_MAPS.items()}


def _present(weights: Path, name: str) -> str:
    converted = name == _DENSEPOSE_ONNX and not (weights / name).is_file() and (weights / _DENSEPOSE_TENSORS).is_file()
    return _DENSEPOSE_TENSORS if converted else name
