"""Made-up people on disk: made once, in groups, and read from memory-mapped arrays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from model.clothes.arrays import Floats
from model.engines.template.parsed import Labels, Parsers
from model.perception.files import label_map_files
from model.train.template.labelled_people import PAINTINGS, PHOTOS, LabelledPerson, labelled_person

_GROUP = 25  # people a file, so that an interruption costs little
_NAMES = [field.name for field in fields(LabelledPerson)]


@dataclass(frozen=True)
class LabelledPhotos:
    """B photos with what is true of them.

    colours: (B, 4, S, S) in 0..1, sRGB times alpha, and alpha. even: (B, 3, S/2, S/2) evenly lit, times alpha.
    layers: (B, S, S) int64. places: (B, 3, S/2, S/2) metres. coarse_layers: (B, S/2, S/2) int64, of the places.
    azimuths: (B,) radians. parsed: (B, 3, S/2, S/2) int64, what label networks say, see `parsed.Parsers`.
    """

    colours: Tensor
    even: Tensor
    layers: Tensor
    places: Tensor
    coarse_layers: Tensor
    azimuths: Tensor
    parsed: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


class KeptPeople:
    """People of consecutive seeds. A sample is one photo in one painting.

    Args:
        folder: where they are kept; those that are not there are made.
        first: the seed of the first.
        weights: where the label networks lie that are asked about every photo.
    """

    def __init__(self, folder: Path, first: int, people: int, size: int, weights: Path) -> None:
        self.first = first
        self._people = people
        groups = [range(start, min(start + _GROUP, first + people)) for start in range(first, first + people, _GROUP)]
        for seeds in tqdm(groups, desc="people", unit=f"{_GROUP} people", disable=None):
            if not _folder(folder, seeds, size).is_dir():
                _make(folder, seeds, size)
        said = SaidBy(weights)
        shown = tqdm(groups, desc="what label networks say", unit=f"{_GROUP} people", disable=None)
        self._groups = [_open(_folder(folder, seeds, size), said) for seeds in shown]

    def __len__(self) -> int:
        return self._people * PAINTINGS * PHOTOS

    def batch(self, numbers: Sequence[int]) -> LabelledPhotos:
        """These samples together, on the host."""
        samples = [self._sample(number) for number in numbers]
        colours, even, parsed, layers, places, coarse, azimuths = (
            np.stack(part) for part in zip(*samples, strict=True)
        )
        return LabelledPhotos(
            torch.from_numpy(colours).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(even).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(layers).long(),
            torch.from_numpy(places).permute(0, 3, 1, 2).float(),
            torch.from_numpy(coarse).long(),
            torch.from_numpy(azimuths),
            torch.from_numpy(parsed).long(),
        )

    def _sample(self, number: int) -> tuple[np.ndarray, ...]:
        rest, photo = divmod(number, PHOTOS)
        person, painting = divmod(rest, PAINTINGS)
        group, i = divmod(person, _GROUP)
        one = self._groups[group]
        painted = (one[name][i, painting, photo] for name in ("colours", "even", "parsed"))
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


def _open(group: Path, said: SaidBy) -> dict[str, np.ndarray]:
    arrays = {name: np.load(group / f"{name}.npy", mmap_mode="r") for name in _NAMES}
    return arrays | {"parsed": said.kept(group, arrays["colours"])}


class SaidBy:
    """What label networks say of photos, kept beside them under a name that follows from the networks."""

    def __init__(self, weights: Path) -> None:
        self._parsers = Parsers(weights)
        bytes_ = b"".join(file.read_bytes() for file in label_map_files(weights))
        self._name = f"parsed-{hashlib.sha256(bytes_).hexdigest()[:8]}.npy"

    def kept(self, group: Path, colours: np.ndarray) -> np.ndarray:
        """(people, K, P, 3, S/2, S/2) of colours, (people, K, P, S, S, 4)."""
        file = group / self._name
        if not file.is_file():
            photos = colours.reshape(-1, *colours.shape[3:])
            labels = np.stack([self._labels(photo) for photo in photos])
            partial = file.with_suffix(".partial.npy")
            np.save(partial, labels.reshape(*colours.shape[:3], *labels.shape[1:]))
            os.replace(partial, file)
        parsed: np.ndarray = np.load(file, mmap_mode="r")
        return parsed

    def _labels(self, photo: np.ndarray) -> Labels:
        seen: Floats = (photo / 255).astype(np.float32)
        return self._parsers(seen)
