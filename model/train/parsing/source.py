"""Samples by number, for both networks: a photo of one of the kept people, varied in one of many ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from model.train.parsing.people import ParsedPeople, kept_people
from model.train.parsing.settings import PerceptionTraining

SIZE = 192, 256  # width and height of the photos learned from
VARIATIONS = 100  # of a photo: more than any training sees
_UNSEEN_SEED = 1_000_000  # added to the people's: these are never learned from

Batch = TypeVar("Batch")


class VariedPhotos(Generic[Batch]):
    """Every number is one photo in one variation.

    Args:
        make: a batch of photos, each given as where it is kept and its place there, from a generator.
    """

    def __init__(
        self,
        parts: Sequence[ParsedPeople],
        make: Callable[[Sequence[tuple[ParsedPeople, int]], np.random.Generator], Batch],
    ) -> None:
        self._parts = parts
        self._starts = np.cumsum([0] + [len(part) for part in parts])
        self._make = make

    def __len__(self) -> int:
        return int(self._starts[-1]) * VARIATIONS

    def batch(self, numbers: Sequence[int]) -> Batch:
        """These samples together, on the host."""
        photos = [self._photo(number // VARIATIONS) for number in numbers]
        return self._make(photos, np.random.default_rng([5, *numbers]))

    def _photo(self, number: int) -> tuple[ParsedPeople, int]:
        part = int(np.searchsorted(self._starts, number, "right")) - 1
        return self._parts[part], number - int(self._starts[part])


def people_of(settings: PerceptionTraining) -> list[ParsedPeople]:
    """Those to learn from."""
    return kept_people(settings.data, settings.people, settings.people_seed, SIZE, settings.processes)


def unseen_people(settings: PerceptionTraining) -> list[ParsedPeople]:
    """Those never learned from."""
    seed = settings.people_seed + _UNSEEN_SEED
    return kept_people(settings.data, settings.unseen, seed, SIZE, settings.processes)
