"""A data set encoded once: small networks train from its latents, because the encoder would take most of the time."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from model.train.errors import SettingsError
from model.train.examples import Source, Triples

_log = logging.getLogger(__name__)

_PARTS = ("target", "condition", "garment", "mask")
_INDEX = "index.json"


class CachedLatents:
    """Memory-mapped moments: mean and log-variance, (N, 2C, h, w) float16, and masks, (N, 1, h, w) float16.

    Args:
        folder: `target.npy`, `condition.npy`, `garment.npy` and, where there are masks, `mask.npy`.
    """

    def __init__(self, folder: Path) -> None:
        self._arrays: dict[str, NDArray[np.float16]] = {
            part: np.load(folder / f"{part}.npy", mmap_mode="r", allow_pickle=False)
            for part in _PARTS
            if (folder / f"{part}.npy").is_file()
        }

    def __len__(self) -> int:
        return len(self._arrays["target"])

    def batch(self, numbers: Sequence[int]) -> Triples:
        """Moments of these samples together, on the host."""
        rows = np.asarray(numbers)
        parts = {part: torch.from_numpy(array[rows]) for part, array in self._arrays.items()}
        return Triples(parts["target"], parts["condition"], parts["garment"], parts.get("mask"))

    @classmethod
    def of(
        cls, pictures: Source[Triples], encode: Callable[[Triples], Triples], folder: Path, identity: str, rows: int
    ) -> CachedLatents:
        """Those in the folder, encoded now if it is not there yet.

        Args:
            identity: of pictures and encoder; a folder with another one is not theirs.
            rows: pictures encoded together.

        Raises:
            SettingsError: the folder holds something else.
        """
        index = folder / _INDEX
        if not index.is_file():
            _write(pictures, encode, folder, rows)
            partial = index.with_suffix(".partial")
            partial.write_text(json.dumps({"identity": identity}))
            os.replace(partial, index)  # last: a folder with an index is complete
        if (found := json.loads(index.read_text()).get("identity")) != identity:
            raise SettingsError(f"latents: {folder} was encoded from other pictures or by another encoder ({found})")
        return cls(folder)


def _write(pictures: Source[Triples], encode: Callable[[Triples], Triples], folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    count = len(pictures)
    _log.info("encoding %d samples into %s", count, folder)
    arrays: dict[str, NDArray[np.float16]] = {}
    for first in tqdm(range(0, count, rows), desc="encode", unit="batch", disable=None):
        numbers = range(first, min(first + rows, count))
        encoded = encode(pictures.batch(numbers))
        for part in _PARTS:
            tensor: Tensor | None = getattr(encoded, part)
            if tensor is None:
                continue
            if part not in arrays:
                shape = (count, *tensor.shape[1:])
                arrays[part] = open_memmap(folder / f"{part}.npy", mode="w+", dtype=np.float16, shape=shape)
            arrays[part][first : first + len(numbers)] = tensor.half().cpu().numpy()
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]
    _log.info("encoded")
