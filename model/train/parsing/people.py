"""Photos of people who do not exist, with their three label maps, made once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from tqdm import trange

from model.clothes.cut import GarmentPlace
from model.synthetic.scene.composition import paint
from model.synthetic.scene.labels import atr_labels, densepose_labels, halved, lip_labels
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Scene

MAPS = {"densepose": 25, "lip": 20, "atr": 18}  # how many classes each tells apart


@dataclass(frozen=True)
class ParsedPeople:
    """photos: (N, H, W, 3) uint8. labels: (N, 3, H, W) uint8, in the order of `MAPS`."""

    photos: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.photos)


def make_people(count: int, seed: int, width: int, height: int) -> ParsedPeople:
    """Somebody new for each number, of every kind of clothes; the same for the same seed."""
    photos = np.empty((count, height, width, 3), np.uint8)
    labels = np.empty((count, len(MAPS), height, width), np.uint8)
    places: tuple[GarmentPlace, ...] = get_args(GarmentPlace)
    for i in trange(count, desc="people", mininterval=1):
        rng = np.random.default_rng([seed, i])
        photos[i], labels[i] = labelled_photo(random_person(rng, places[i % len(places)]), width, height)
    return ParsedPeople(photos, labels)


def labelled_photo(person: Person, width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo, (H, W, 3), and its labels, (3, H, W)."""
    buffers = Scene(person, width, height).buffers
    photo, _ = paint(buffers, person.look, person.garments.values(), person.room, person.light)
    seen, lower = halved(buffers), person.garments.get("lower")
    return photo, np.stack([densepose_labels(seen), lip_labels(seen, lower), atr_labels(seen, lower)])


def kept_people(folder: Path, count: int, seed: int, width: int, height: int) -> ParsedPeople:
    """Those of `folder`, which are made there first if it has none. Memory-mapped."""
    name = f"{count}-{seed}-{width}x{height}"
    files = {part: folder / f"{part}-{name}.npy" for part in ("photos", "labels")}
    if not all(file.is_file() for file in files.values()):
        made = make_people(count, seed, width, height)
        folder.mkdir(parents=True, exist_ok=True)
        for part, file in files.items():
            np.save(file, getattr(made, part))
    return ParsedPeople(**{part: np.load(file, mmap_mode="r") for part, file in files.items()})
