"""How published network folders look on disk. Imported by the front process, so: never torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

CONFIG = "config.json"

# The first that is there is read. Half precision only where nothing better was published.
TENSOR_FILES = (
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.fp16.bin",
)
# The same for what transformers has saved.
TRANSFORMERS_TENSOR_FILES = ("model.safetensors", "pytorch_model.bin")


def tensor_file(folder: Path, names: Sequence[str] = TENSOR_FILES) -> Path:
    """The file of `folder` that holds the network's tensors; the preferred name when there is none."""
    return next((folder / name for name in names if (folder / name).is_file()), folder / names[0])


def network_files(folder: Path) -> list[Path]:
    """The two files that make a network, present or not."""
    return [folder / CONFIG, tensor_file(folder)]
