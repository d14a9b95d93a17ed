"""Published checkpoints of perception networks as files that are served: `python -m model convert FILE OUT`."""

from __future__ import annotations

from pathlib import Path

from model.errors import InputError
from model.perception.densepose import published
from model.perception.schp import export


def convert(file: Path, out: Path) -> None:
    """SCHP's `.pth` as ONNX, DensePose's `.pkl` as safetensors.

    Raises:
        InputError: nothing is known of such a file, or a package is missing.
        WeightsError: it is not what its name says.
    """
    if not file.is_file():
        raise InputError(f"{file} is not there")
    match file.suffix, out.suffix:
        case ".pth", ".onnx":
            export.export(file, out)
        case ".pkl", ".safetensors":
            published.convert(file, out)
        case _:
            raise InputError(f"a {file.suffix} cannot become a {out.suffix}: .pth becomes .onnx, .pkl .safetensors")
