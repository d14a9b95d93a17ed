"""One stage of the training of the variant `tps`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save
from torch import Generator, Tensor, nn

from model.engines.warp.checkpoint import tps_network
from model.engines.warp.files import TPS
from model.engines.warp.tps.inputs import SplineInputs
from model.engines.warp.tps.network import TPSAnswer, TPSNetwork
from model.train.errors import SettingsError
from model.train.journal import sheet
from model.train.warp.held_out import TOGETHER, DressedBatch, held_out, measured
from model.train.warp.pairs import PairSamples, pairs_of
from model.train.warp.people import kept_people
from model.train.warp.perceptual import VGGFeatures
from model.train.warp.source import Samples, SampleSource, WarpSource
from model.train.warp.spline.losses import PatchDiscriminator, adversarial_losses, matching_loss, painting_loss
from model.train.warp.spline.settings import SplineTraining
from model.train.warp.spline.source import SplineBatch, batch_of

_log = logging.getLogger(__name__)


class StagedNetwork(nn.Module):
    """The networks, of which a stage trains some; and, in the last one, what tells their results from photos."""

    def __init__(self, network: TPSNetwork, stage: str) -> None:
        super().__init__()
        self.network, self.stage = network, stage
        self.discriminator = PatchDiscriminator() if stage == "joint" else None
        for part in self._resting():
            part.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> StagedNetwork:
        super().train(mode)
        for part in self._resting():
            part.eval()
        return self

    def forward(self, *seen: Tensor) -> Any:
        """What the stage's loss is of."""
        inputs = SplineInputs(*seen)
        return self.network.warped(inputs) if self.stage == "matching" else self.network(*inputs)

    def _resting(self) -> Iterator[nn.Module]:
        if self.stage == "matching":
            yield self.network.tom
        elif self.stage == "painting":
            yield from (self.network.gmm, self.network.seg)


class SplineTask:
    """Matching, painting, or both."""

    module: nn.Module

    def __init__(self, settings: SplineTraining, device: torch.device) -> None:
        self._settings, self._device = settings, device
        self._network = _begun(settings)
        self.module = self._staged = StagedNetwork(self._network, settings.stage)
        self._vgg = None if settings.vgg is None else VGGFeatures.read(settings.vgg).to(device)
        self.source = SampleSource(samples_of(settings), batch_of)

    def loss(self, module: nn.Module, batch: SplineBatch, generator: Generator) -> Tensor:
        """Of a batch; its variations were drawn with it."""
        batch, settings = batch.to(self._device), self._settings
        answer = module(*batch.seen)
        if settings.stage == "matching":
            return matching_loss(answer, batch, self._network.gmm, settings)
        painting = painting_loss(answer, batch, self._vgg, settings)
        if settings.stage == "painting":
            return painting
        assert self._staged.discriminator is not None  # noqa: S101 - of this stage
        fooled, told = adversarial_losses(self._staged.discriminator, answer.result, batch.truth)
        warped = answer.theta, answer.logits, answer.cloth, answer.cover
        return (
            painting
            + matching_loss(warped, batch, self._network.gmm, settings)
            + settings.adversarial_loss * fooled
            + told
        )

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """The first samples: what is known of the photo, the garment, it through the spline, the result, the truth."""
        batch = self.source.batch(range(min(self._settings.pictures, len(self.source)))).to(self._device)
        training = self._network.training
        answer: TPSAnswer = self._network.eval()(*batch.seen)
        self._staged.train(training)
        return sheet([batch.seen.agnostic, batch.seen.garment[:, :3], answer.cloth, answer.result, batch.truth])

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On people never learned from; of the first stage, which paints nothing, the garment on the true picture.

        Nothing is measured of a data set without a test split.
        """
        training = self._network.training
        self._network.eval()
        measures = measured(self._dressed(batch) for batch in self._unseen)
        self._staged.train(training)
        return measures

    def write(self) -> None:
        """All three networks, with the size that they paint at. Counters of batches, which nothing reads, are 0."""
        settings = self._settings
        file = settings.out / TPS
        file.parent.mkdir(parents=True, exist_ok=True)
        tensors = {name: value.cpu() for name, value in self._network.state_dict().items()}
        halved = {name: value.half() if value.is_floating_point() else value * 0 for name, value in tensors.items()}
        size = {"width": str(settings.width), "height": str(settings.height)}
        partial = file.with_suffix(".partial")  # the file that is there may still be mapped
        partial.write_bytes(save({name: value.contiguous() for name, value in halved.items()}, size))
        partial.replace(file)

    def _dressed(self, batch: SplineBatch) -> DressedBatch:
        batch = batch.to(self._device)
        if self._settings.stage == "matching":
            _, _, cloth, region = self._network.warped(batch.seen)
            worn = torch.maximum(region, batch.cover)
            result = worn * (region * cloth + 1 - region) + (1 - worn) * batch.truth  # white where none was put
        else:
            answer: TPSAnswer = self._network(*batch.seen)
            result, region = answer.result * batch.mask + batch.seen.agnostic, answer.share
        return DressedBatch(result, batch.truth, region * batch.mask, batch.cover * batch.mask)

    @cached_property
    def _unseen(self) -> list[SplineBatch]:
        asked = self._settings
        if pairs_of(asked.data) and not pairs_of(asked.data, "test"):
            return []  # made-up people are no measure of what photos teach
        made = held_out(asked.data, asked.unseen, asked.people_seed, (asked.width, asked.height), asked.processes)
        return [batch_of(made[start : start + TOGETHER]) for start in range(0, len(made), TOGETHER)]


def samples_of(settings: SplineTraining) -> Samples:
    """Pairs where a folder is a data set, else made-up people, which are made if they are not there."""
    size = settings.width, settings.height
    if pairs := pairs_of(settings.data):
        return PairSamples(pairs, size, settings.varied)
    people = kept_people(settings.data[0], settings.people, settings.people_seed, size, settings.processes)
    return WarpSource(people, settings.same_garment, settings.varied)


def _begun(settings: SplineTraining) -> TPSNetwork:
    """New networks for the first stage, else those that the one before wrote.

    Raises:
        SettingsError: it has written none, or of another size.
    """
    if settings.stage == "matching":
        return TPSNetwork(settings.channels)
    if not (settings.out / TPS).is_file():
        raise SettingsError(
            f"stage is {settings.stage!r}, but {settings.out / TPS} is not there: train 'matching' first"
        )
    network = tps_network(Path(settings.out)).load(torch.device("cpu"), torch.float32)
    return network.requires_grad_(True).train()
