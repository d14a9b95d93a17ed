"""How published network folders look on disk. Imported by the front process, so: never torch."""

from __future__ import annotations

from pathlib import Path

CONFIG = "config.json"

# The first that is there is read. Half precision only where nothing better was published.
TENSOR_FILES = (
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.fp16.bin",
)


def tensor_file(folder: Path) -> Path:
    """The file of `folder` that holds the network's tensors; the preferred name when there is none."""
    return next((folder / name for name in TENSOR_FILES if (folder / name).is_file()), folder / TENSOR_FILES[0])


def network_files(folder: Path) -> list[Path]:
    """The two files that make a network, present or not."""
    return [folder / CONFIG, tensor_file(folder)]
