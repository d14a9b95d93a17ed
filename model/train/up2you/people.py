"""Made-up people as UP2You is shown them: a few photos of each, at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from model.synthetic.datasets.loose_photos import somebody
from model.train.template.kept_people import KeptPeople
from model.train.template.labelled_people import PAINTINGS, PHOTOS
from model.weights.pack import DEMO

_FEWEST = 3  # photos of a person
_GREY = 0.5  # behind the person, as published
UNSEEN = 900_000  # seeds from here on are never learned from


@dataclass(frozen=True)
class PhotographedPeople:
    """B people in N photos each.

    photos: (B, N, 3, S, S) in 0..1, on grey. alphas: (B, N, S, S). layers: (B, N, S/2, S/2) int64.
    places: (B, N, 3, S/2, S/2) metres. betas: (B, 10). seeds: (B,).
    """

    photos: Tensor
    alphas: Tensor
    layers: Tensor
    places: Tensor
    betas: Tensor
    seeds: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


class PeoplePhotos:
    """A sample is a person in one painting; how many of the photos, and which, follows from the samples' numbers."""

    def __init__(self, folder: Path, first: int, people: int, size: int) -> None:
        self.first = first
        self._people = people
        self._kept = KeptPeople(folder, first, people, size, DEMO)

    def __len__(self) -> int:
        return self._people * PAINTINGS

    def batch(self, numbers: Sequence[int]) -> PhotographedPeople:
        """These samples together, on the host."""
        count = int(np.random.default_rng(list(numbers)).integers(_FEWEST, PHOTOS + 1))
        people = [self._sample(number, count) for number in numbers]
        return PhotographedPeople(*(torch.stack(part) for part in zip(*people, strict=True)))

    def _sample(self, number: int, count: int) -> tuple[Tensor, ...]:
        chosen = np.random.default_rng([number, count]).permutation(PHOTOS)[:count]
        seen = self._kept.batch([number * PHOTOS + int(photo) for photo in chosen])
        alphas = seen.colours[:, 3]
        photos = seen.colours[:, :3] + _GREY * (1 - alphas[:, None])
        seed = self.first + number // PAINTINGS
        betas = torch.from_numpy(somebody(seed).betas)
        return photos, alphas, seen.coarse_layers, seen.places, betas, torch.tensor(seed)
