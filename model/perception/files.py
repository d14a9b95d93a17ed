"""Where perception's weights lie. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

MATTING = "perception/matting.onnx"
ONE_PARSER = "perception/parsing.onnx"  # a parser that stands for all three

# The models that label a person, and how many classes each tells apart.
LABEL_MAPS = {
    "perception/densepose.onnx": 25,
    "perception/parsing_lip.onnx": 20,
    "perception/parsing_atr.onnx": 18,
}

# Detectors of people, the preferred one first.
DETECTOR_FILES = ("perception/detector.onnx", "perception/detector.caffemodel")

_DENSEPOSE = "perception/densepose.onnx"
# As `python -m model convert` writes it, and as a TorchScript: each is read where no file before it is there.
_INSTEAD = ("perception/densepose.safetensors", "perception/densepose.torchscript")


def label_map_files(weights: Path) -> dict[Path, int]:
    """The models that label a person, present or not, and how many classes each tells apart."""
    return {weights / _present(weights, name): classes for name, classes in LABEL_MAPS.items()}


def _present(weights: Path, name: str) -> str:
    names = (name, *_INSTEAD) if name == _DENSEPOSE else (name,)
    return next((one for one in names if (weights / one).is_file()), name)
