"""Arrays of made-up samples that are made once, in several processes, and kept in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

Make = Callable[[range], Mapping[str, ArrayLike]]


def kept_arrays(folder: Path, count: int, a_part: int, make: Make, processes: int = 1) -> list[Path]:
    """The folders of `count` samples, `a_part` in each: a file a name, `photos.npy`. Those that lack are made first.

    Args:
        make: the arrays of samples of these numbers, by their names; another process can be sent it.
    """
    numbers = [range(start, min(start + a_part, count)) for start in range(0, count, a_part)]
    parts = [folder / f"{part[0]:06d}-{part[-1]:06d}" for part in numbers]
    missing = [both for both in zip(parts, numbers, strict=True) if not both[0].is_dir()]
    if missing:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            made = pool.map(partial(_write, make), *zip(*missing, strict=True))
            list(tqdm(made, total=len(missing), unit="part", mininterval=1))
    return parts


def _write(make: Make, folder: Path, numbers: range) -> None:
    """Under another name first: a folder that is there is whole."""
    partial_folder = folder.with_suffix(f".{os.getpid()}")
    partial_folder.mkdir(parents=True, exist_ok=True)
    for name, array in make(numbers).items():
        np.save(partial_folder / f"{name}.npy", array)
    partial_folder.rename(folder)
