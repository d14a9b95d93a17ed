"""Photos of people who do not exist, with their three label maps and their joints, made once and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.clothes.cut import GarmentPlace
from model.synthetic.scene.person import random_person
from model.train.kept_arrays import kept_arrays
from model.train.parsing.labelled import LabelledPhoto, labelled_photo, labelled_photos

MAPS = {"densepose": 25, "lip": 20, "atr": 18}  # how many classes each tells apart

_PART = 100  # people a folder


@dataclass(frozen=True)
class ParsedPeople:
    """photos: (N, H, W, 3) uint8. labels: (N, 3, H, W) uint8, in the order of `MAPS`. joints: (N, 18, 3) float32 of
    COCO-18: x, y in pixels, the first pixel's middle at 0.5, and 1 where seen, 0.5 where hidden, 0 where neither."""

    photos: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    joints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.photos)


_NAMES = [field.name for field in fields(ParsedPeople)]


def make_people(count: int, seed: int, width: int, height: int) -> ParsedPeople:
    """Somebody new for each number, of every kind of clothes, photographed for them; the same for the same seed."""
    places: tuple[GarmentPlace, ...] = get_args(GarmentPlace)
    return _stacked(
        labelled_photo(random_person(np.random.default_rng([seed, i]), places[i % len(places)]), width, height)
        for i in range(count)
    )


def kept_people(folder: Path, count: int, seed: int, size: tuple[int, int], processes: int = 1) -> list[ParsedPeople]:
    """Those of `folder` from all sides, with empty rooms and clothes without people among them, memory-mapped; those
    it lacks are made first, `_PART` at a time. size: width and height."""
    folder = folder / f"{seed}-{size[0]}x{size[1]}"
    parts = kept_arrays(folder, count, _PART, partial(_made, seed=seed, size=size), processes)
    return [ParsedPeople(**{name: np.load(part / f"{name}.npy", mmap_mode="r") for name in _NAMES}) for part in parts]


def _made(numbers: range, seed: int, size: tuple[int, int]) -> dict[str, ArrayLike]:
    people = _stacked(photo for number in numbers for photo in labelled_photos(seed, number, *size))
    return {name: getattr(people, name) for name in _NAMES}


def _stacked(photos: Iterator[LabelledPhoto]) -> ParsedPeople:
    return ParsedPeople(*(np.stack(part) for part in zip(*photos, strict=True)))
