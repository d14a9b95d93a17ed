"""The published checkpoint, a pickle, as safetensors: read by an unpickler that can make arrays and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from model.errors import WeightsError
from model.weights.arrays_only import read_arrays

# What the file may hold beside the network: constants that are in the code, and counters of training.
_BESIDE = ("pixel_mean", "pixel_std")
_BESIDE_PREFIX, _BESIDE_SUFFIX = "proposal_generator.anchor_generator.", ".num_batches_tracked"


def convert(file: Path, out: Path) -> None:
    """Write `model_final_162be9.pkl` as safetensors.

    Raises:
        WeightsError: it is no such pickle, or asks for anything but arrays.
    """
    content = read_arrays(file)
    try:
        arrays: Mapping[str, np.ndarray] = content["model"]  # type: ignore[index]
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items() if not _beside(name)
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{file}: cannot be read as a checkpoint of arrays ({error})") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out)


def _beside(name: str) -> bool:
    return name in _BESIDE or name.startswith(_BESIDE_PREFIX) or name.endswith(_BESIDE_SUFFIX)
