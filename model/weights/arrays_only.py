"""Published pickles, read by unpicklers that can make arrays, tensors and plain containers, and nothing else."""

from __future__ import annotations

import io
import pickle
from argparse import Namespace
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from scipy.sparse import csc_matrix

from model.errors import WeightsError

_reconstruct: object = np.ndarray.__reduce__(np.zeros(1))[0]
_scalar: object = np.float64(1).__reduce__()[0]
_reconstructor: object = object.__reduce__(object())[0]
ARRAYS: Mapping[tuple[str, str], object] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("collections", "OrderedDict"): OrderedDict,
    ("scipy.sparse.csc", "csc_matrix"): csc_matrix,
    ("scipy.sparse._csc", "csc_matrix"): csc_matrix,
    ("copy_reg", "_reconstructor"): _reconstructor,
    ("__builtin__", "object"): object,
    ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),
}


class _Chumpy:
    """What SMPL's files wrap arrays in; of a library that nobody maintains."""

    x: np.ndarray

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.asarray(self.x)


class ArraysOnly(pickle.Unpickler):
    """Raises `UnpicklingError` when a pickle asks for anything but arrays and plain containers."""

    allowed: ClassVar[Mapping[tuple[str, str], object]] = {**ARRAYS, ("chumpy.ch", "Ch"): _Chumpy}

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.allowed[module, name]


def read_arrays(file: Path) -> object:
    """What a pickle of arrays holds.

    Raises:
        WeightsError: it is none, or asks for anything else.
    """
    return _read(file, ArraysOnly, "a checkpoint of arrays")


def read_arrays_and_tensors(file: Path) -> object:
    """What a plain pickle holds of arrays and of tensors, which are on the CPU, wherever they were.

    Raises:
        WeightsError: it is none, or asks for anything else.
    """
    return _read(file, _ArraysAndTensors, "arrays and tensors")


def _read(file: Path, unpickler: type[ArraysOnly], what: str) -> object:
    try:
        with file.open("rb") as opened:
            return unpickler(opened, encoding="latin1").load()
    except Exception as error:  # a broken pickle raises whatever it likes
        raise WeightsError(f"{file}: cannot be read as {what} ({error})") from error


class _ArraysAndTensors(ArraysOnly):
    allowed: ClassVar[Mapping[tuple[str, str], object]] = {
        **ArraysOnly.allowed,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        ("torch.storage", "_load_from_bytes"): lambda content: torch.load(
            io.BytesIO(content), map_location="cpu", weights_only=True
        ),
    }


class _Ignored(Namespace):
    """Stands for the settings that a checkpoint was trained with; nobody reads them."""

    def __setstate__(self, state: object) -> None:
        pass


def read_tensors_and(file: Path) -> object:
    """What `torch.save` has written of tensors, containers and, unread, an argparse namespace. Its tensors are on the
    CPU, wherever they were.

    Raises:
        WeightsError: it is no such file, or asks for anything else.
    """
    try:
        with ZipFile(file) as archive:
            [content] = [name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
            return _Tensors(archive, content.removesuffix("data.pkl")).load()
    except (BadZipFile, OSError, ValueError) as error:
        raise WeightsError(f"{file}: not a checkpoint of tensors ({error})") from error
    except Exception as error:  # a broken pickle raises whatever it likes
        raise WeightsError(f"{file}: cannot be read as a checkpoint of tensors ({error})") from error


def _rebuilt(storage: torch.Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> object:
    return torch.as_strided(storage, size, stride, offset).clone()


_STORAGES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
}
TENSORS: Mapping[tuple[str, str], object] = {
    **ARRAYS,
    **{("torch", name): dtype for name, dtype in _STORAGES.items()},
    ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("argparse", "Namespace"): _Ignored,
}


class _Tensors(ArraysOnly):
    allowed: ClassVar[Mapping[tuple[str, str], object]] = TENSORS

    def __init__(self, archive: ZipFile, prefix: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{prefix}data.pkl")), encoding="utf-8")
        self._archive, self._prefix = archive, prefix

    def persistent_load(self, what: tuple[str, torch.dtype, str, str, int]) -> torch.Tensor:
        """A storage's numbers, flat."""
        _, dtype, key, _, count = what
        content = self._archive.read(f"{self._prefix}data/{key}")
        flat = torch.frombuffer(bytearray(content), dtype=dtype) if content else torch.zeros(0, dtype=dtype)
        if len(flat) < count:
            raise pickle.UnpicklingError(f"storage {key} has {len(flat)} numbers, not {count}")
        return flat
