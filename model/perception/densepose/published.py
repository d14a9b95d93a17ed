"""The published checkpoint, a pickle, as safetensors: read by an unpickler that can make arrays and nothing else."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from model.errors import WeightsError

_reconstruct: object = np.ndarray.__reduce__(np.zeros(1))[0]
_ALLOWED: Mapping[tuple[str, str], object] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("collections", "OrderedDict"): OrderedDict,
}
# What the file may hold beside the network: constants that are in the code, and counters of training.
_BESIDE = ("pixel_mean", "pixel_std")
_BESIDE_PREFIX, _BESIDE_SUFFIX = "proposal_generator.anchor_generator.", ".num_batches_tracked"


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def convert(file: Path, out: Path) -> None:
    """Write `model_final_162be9.pkl` as safetensors.

    Raises:
        WeightsError: it is no such pickle, or asks for anything but arrays.
    """
    try:
        with file.open("rb") as opened:
            content = _ArraysOnly(opened, encoding="latin1").load()
        arrays: Mapping[str, np.ndarray] = content["model"]
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items() if not _beside(name)
        }
    except Exception as error:  # a broken pickle raises whatever it likes
        raise WeightsError(f"{file}: cannot be read as a checkpoint of arrays ({error})") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out)


def _beside(name: str) -> bool:
    return name in _BESIDE or name.startswith(_BESIDE_PREFIX) or name.endswith(_BESIDE_SUFFIX)
