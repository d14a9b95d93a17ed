"""Training of the networks that label people."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Generator, Tensor, nn

from model.perception.files import LABEL_MAPS
from model.perception.overlap import LabelCounts
from model.train.parsing.augmentation import as_seen, varied
from model.train.parsing.export import NetworkInterface, write_onnx
from model.train.parsing.losses import class_weights, total_loss
from model.train.parsing.network import HEIGHT, STRIDE, WIDTH, ParsingNetwork, levels_of, normal
from model.train.parsing.people import MAPS, ParsedPeople
from model.train.parsing.settings import PerceptionTraining
from model.train.parsing.source import VariedPhotos, people_of, unseen_people

_log = logging.getLogger(__name__)

_SMALL, _SHARE_SMALL = (96, 128), 0.5  # batches of small pictures cost less than half and teach nearly as much
_TOGETHER = 10  # photos a forward, when held-out ones are measured


class LabelledBatch(NamedTuple):
    """pictures: (B, 3, H, W), the network's input. labels: (B, maps, H/2, W/2) int64."""

    pictures: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(self.pictures.to(device), self.labels.to(device))


class ParsingTask:
    """All label maps at once; each is written as a file of its own."""

    module: nn.Module

    def __init__(self, settings: PerceptionTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._parser = ParsingNetwork(list(MAPS.values()))
        self._parser.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module = self._parser
        people = people_of(settings)
        self._weights = [weight.to(device) for weight in class_weights(people)]
        self.source = VariedPhotos(people, varied_batch)

    def loss(self, module: nn.Module, batch: LabelledBatch, generator: Generator) -> Tensor:
        """Of a batch; its variations were drawn with it."""
        pictures, labels = batch.to(self._device)
        return total_loss(module(pictures), labels, self._weights)

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Photos of people never learned from, and each label map as found and as it is."""
        scores = ", ".join(f"{name} {score:.3f}" for name, score in self.unseen_scores().items())
        _log.info("unseen people: mean IoU %s", scores)
        batch = self._unseen[0]
        found = self._found(batch)
        count = self._settings.pictures
        rows = [levels_of(batch.pictures[:count, :, ::STRIDE, ::STRIDE])]
        for i in range(len(MAPS)):
            rows += [_PALETTE[found[i][:count].numpy()], _PALETTE[batch.labels[:count, i].cpu().numpy()]]
        return Image.fromarray(np.concatenate([np.concatenate(list(row), 1) for row in rows]))

    @torch.no_grad()
    def unseen_scores(self) -> dict[str, float]:
        """Mean IoU of each label map on people never learned from."""
        counts = [LabelCounts(classes) for classes in MAPS.values()]
        for batch in self._unseen:
            found = self._found(batch)
            for i, count in enumerate(counts):
                count.add(found[i].numpy().astype(np.uint8), batch.labels[:, i].cpu().numpy().astype(np.uint8))
        return {name: count.mean_iou() for name, count in zip(MAPS, counts, strict=True)}

    def write(self) -> None:
        for number, (file, classes) in enumerate(LABEL_MAPS.items()):
            logits = {"logits": [1, classes, HEIGHT // STRIDE, WIDTH // STRIDE]}
            interface = NetworkInterface((WIDTH, HEIGHT), logits, {"geometry": "stretch"})
            write_onnx(self._parser.alone(number), interface, self._settings.out / file)

    def _found(self, batch: LabelledBatch) -> list[Tensor]:
        training = self.module.training
        found = [plane.argmax(1).cpu() for plane in self.module.eval()(batch.pictures.to(self._device))]
        self.module.train(training)
        return found

    @cached_property
    def _unseen(self) -> list[LabelledBatch]:
        photos = [(part, i) for part in unseen_people(self._settings) for i in range(0, len(part), 2)]
        return [unvaried_batch(photos[start : start + _TOGETHER]) for start in range(0, len(photos), _TOGETHER)]


def varied_batch(photos: Sequence[tuple[ParsedPeople, int]], rng: np.random.Generator) -> LabelledBatch:
    """As somebody else might have taken them, all of one size."""
    size = _SMALL if rng.uniform() < _SHARE_SMALL else (WIDTH, HEIGHT)
    return _batch([varied(part.photos[i], part.labels[i], size, rng) for part, i in photos])


def unvaried_batch(photos: Sequence[tuple[ParsedPeople, int]]) -> LabelledBatch:
    """As they are, at the network's size."""
    return _batch([as_seen(part.photos[i], part.labels[i], (WIDTH, HEIGHT)) for part, i in photos])


def _batch(seen: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> LabelledBatch:
    photos, labels = (torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True))
    return LabelledBatch(normal(photos), labels.long())


_PALETTE: NDArray[np.uint8] = np.random.default_rng(3).integers(60, 256, (max(MAPS.values()), 3)).astype(np.uint8)
_PALETTE[0] = 0
