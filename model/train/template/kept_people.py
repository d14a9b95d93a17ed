"""Made-up people on disk: made once, in groups, and read from memory-mapped arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.train.template.labelled_people import PAINTINGS, PHOTOS, LabelledPerson, labelled_person

_GROUP = 25
_NAMES = [field.name for field in fields(LabelledPerson)]


@dataclass(frozen=True)
class LabelledPhotos:
    """B photos with what is true of them.

    colours: (B, 4, S, S) in 0..1, sRGB times alpha, and alpha. even: (B, 3, S/2, S/2) evenly lit, times alpha.
    layers: (B, S, S) int64. places: (B, 3, S/2, S/2) metres. coarse_layers: (B, S/2, S/2) int64, of the places.
    azimuths: (B,) radians.
    """

    colours: Tensor
    even: Tensor
    layers: Tensor
    places: Tensor
    coarse_layers: Tensor
    azimuths: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


class KeptPeople:
    """People of consecutive seeds. A sample is one photo in one painting.

    Args:
        folder: where they are kept; those that are not there are made.
        first: the seed of the first.
    """

    def __init__(self, folder: Path, first: int, people: int, size: int) -> None:
        self.first = first
        self._people = people
        groups = [range(start, min(start + _GROUP, first + people)) for start in range(first, first + people, _GROUP)]
        for seeds in tqdm(groups, desc="people", unit=f"{_GROUP} people", disable=None):
            if not _folder(folder, seeds, size).is_dir():
                _make(folder, seeds, size)
        self._groups = [_open(_folder(folder, seeds, size)) for seeds in groups]

    def __len__(self) -> int:
        return self._people * PAINTINGS * PHOTOS

    def batch(self, numbers: Sequence[int]) -> LabelledPhotos:
        """These samples together, on the host."""
        samples = [self._sample(number) for number in numbers]
        colours, even, layers, places, coarse, azimuths = (np.stack(part) for part in zip(*samples, strict=True))
        return LabelledPhotos(
            torch.from_numpy(colours).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(even).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(layers).long(),
            torch.from_numpy(places).permute(0, 3, 1, 2).float(),
            torch.from_numpy(coarse).long(),
            torch.from_numpy(azimuths),
        )

    def _sample(self, number: int) -> tuple[np.ndarray, ...]:
        rest, photo = divmod(number, PHOTOS)
        person, painting = divmod(rest, PAINTINGS)
        group, i = divmod(person, _GROUP)
        one = self._groups[group]
        painted = (one[name][i, painting, photo] for name in ("colours", "even"))
        return *painted, *(one[name][i, photo] for name in ("layers", "places", "coarse_layers", "azimuths"))


def _folder(folder: Path, seeds: range, size: int) -> Path:
    return folder / f"{seeds.start:06d}-{seeds[-1]:06d}-{size}"


def _make(folder: Path, seeds: range, size: int) -> None:
    people = [labelled_person(seed, size) for seed in seeds]
    complete = _folder(folder, seeds, size)
    partial = complete.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    for name in _NAMES:
        np.save(partial / f"{name}.npy", np.stack([getattr(person, name) for person in people]))
    os.replace(partial, complete)


def _open(group: Path) -> dict[str, np.ndarray]:
    return {name: np.load(group / f"{name}.npy", mmap_mode="r") for name in _NAMES}
