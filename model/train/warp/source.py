"""Batches of samples: which person, outfit and variation a number stands for, and their tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from model.engines.warp.inputs import Inputs, inputs
from model.train.warp.augmentation import varied
from model.train.warp.people import PAINTINGS, SOURCES, TARGETS, People
from model.train.warp.samples import Sample, sample

Batch = TypeVar("Batch")

_VARIATIONS = 100  # of a painting: more than any training sees
# What is seen of the body, see `sample`, and in which share of samples: made up, so that no kind of labels is unknown.
_BODIES = ("bare", "found", "dressed", "limbs", "none", "nothing")
_BODY_SHARES = (0.45, 0.32, 0.1, 0.06, 0.04, 0.03)
_SHARE_LONGER, _ANY_PAIR = 0.5, 0.02  # of samples in which more is covered, of a garment that a pair has for nothing
_LIMBS = (12, 13, 14, 15)  # ATR: legs and arms
_HALF = 128  # of a byte
_SHARE_FOUND = 0.75  # of those in the first painting, which alone the label networks have seen


class Samples(Protocol):
    """Examples by number."""

    def __len__(self) -> int: ...

    def sample(self, number: int) -> Sample:
        """One of them."""


@dataclass(frozen=True)
class WarpBatch:
    """What the networks see of B samples, and the truth: pictures (B, 3, H, W) in [-1, 1], planes (B, 1, H, W), flow
    (B, 2, H, W). traced: (B, 1, 1, 1), 1 where the flow is known."""

    seen: Inputs
    photo: Tensor
    hole: Tensor
    mask: Tensor
    truth: Tensor
    flow: Tensor
    cover: Tensor
    shown: Tensor
    traced: Tensor

    def to(self, device: torch.device) -> Self:
        rest = (getattr(self, field.name).to(device) for field in fields(self)[1:])
        return type(self)(Inputs(*(tensor.to(device) for tensor in self.seen)), *rest)


class SampleSource(Generic[Batch]):
    """Batches of samples as they are.

    Args:
        together: makes a batch of samples, on the host.
    """

    def __init__(self, samples: Samples, together: Callable[[Sequence[Sample]], Batch]) -> None:
        self._samples, self._together = samples, together

    def __len__(self) -> int:
        return len(self._samples)

    def batch(self, numbers: Sequence[int]) -> Batch:
        """These samples together, on the host."""
        return self._together([self._samples.sample(number) for number in numbers])


class WarpSource:
    """Every number is one person in one outfit, to be dressed in another, varied in one of many ways.

    Args:
        same_garment: share of samples whose person wears the garment already.
        share_varied: share of samples that are varied at all.
    """

    def __init__(self, people: Sequence[People], same_garment: float, share_varied: float) -> None:
        self._people = people
        self._starts = np.cumsum([0] + [len(part) for part in people])
        self._same_garment, self._share_varied = same_garment, share_varied

    def __len__(self) -> int:
        return int(self._starts[-1]) * PAINTINGS * TARGETS * _VARIATIONS

    def batch(self, numbers: Sequence[int]) -> WarpBatch:
        """These samples together, on the host."""
        return tensors([self.sample(number) for number in numbers])

    def sample(self, number: int) -> Sample:
        """One of them."""
        rng = np.random.default_rng([7, number])
        person, rest = divmod(number, PAINTINGS * TARGETS * _VARIATIONS)
        painting, target = divmod(rest // _VARIATIONS, TARGETS)
        part = int(np.searchsorted(self._starts, person, "right")) - 1
        i = person - int(self._starts[part])
        others = [source for source in range(SOURCES) if source != target]
        source = target if rng.uniform() < self._same_garment else int(rng.choice(others))
        if source != target and rng.uniform() < _SHARE_LONGER:
            source, target = longer(self._people[part], i, rng)
        body, found = _labelling(rng, seen_by_networks=painting == 0)
        one = sample(self._people[part], i, painting, source, target, body=body, found=found)
        return varied(one, rng) if rng.uniform() < self._share_varied else one


def longer(people: People, i: int, rng: np.random.Generator) -> tuple[int, int]:
    """Which outfit is worn and which one is put on, the likelier the more bare skin it covers."""
    pairs = [(source, target) for target in range(TARGETS) for source in range(SOURCES) if source != target]
    skin = [np.isin(people.atr[i, source], _LIMBS) for source in range(SOURCES)]
    cloth = [people.covers[i, target] >= _HALF for target in range(TARGETS)]
    newly = [(skin[source] & cloth[target]).sum() / max(cloth[target].sum(), 1) for source, target in pairs]
    chances = _ANY_PAIR + np.array(newly)
    return pairs[int(rng.choice(len(pairs), p=chances / chances.sum()))]


def _labelling(rng: np.random.Generator, *, seen_by_networks: bool) -> tuple[str, bool]:
    """Whose body map, and whether labels and mask are the networks'; see `sample`."""
    found = seen_by_networks and rng.uniform() < _SHARE_FOUND
    body = str(rng.choice(_BODIES, p=_BODY_SHARES))
    return "found" if found and body == "dressed" else body, found


def tensors(samples: Sequence[Sample]) -> WarpBatch:
    """All samples as one batch."""

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([np.ascontiguousarray(getattr(one, name)) for one in samples]))

    def colours(name: str) -> Tensor:
        return stacked(name).permute(0, 3, 1, 2).float() / 127.5 - 1

    photo, mask, hole = colours("photo"), stacked("mask")[:, None].float(), stacked("hole")[:, None].float()
    places = torch.tensor([one.place for one in samples])
    seen = inputs(
        photo, stacked("densepose"), stacked("atr"), mask, hole, colours("flat"), stacked("alpha")[:, None], places
    )
    flow = stacked("flow").permute(0, 3, 1, 2)
    return WarpBatch(
        Inputs(*(tensor.contiguous(memory_format=torch.channels_last) for tensor in seen)),
        photo,
        hole,
        mask,
        colours("truth"),
        flow,
        stacked("cover")[:, None],
        stacked("shown")[:, None],
        torch.tensor([one.traced for one in samples])[:, None, None, None].float(),
    )
