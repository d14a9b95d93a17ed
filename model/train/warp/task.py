"""Training of the warping try-on."""

from __future__ import annotations

import logging
from functools import cached_property

import torch
from PIL import Image
from safetensors.torch import save
from torch import Generator, Tensor, nn

from model.engines.warp.files import WEIGHTS
from model.engines.warp.grids import enlarged, sampled
from model.engines.warp.inputs import HEIGHT, WIDTH
from model.engines.warp.network import Fields, WarpNetwork, composed
from model.train.examples import Source
from model.train.journal import sheet
from model.train.warp.held_out import TOGETHER, DressedBatch, held_out, measured
from model.train.warp.losses import losses
from model.train.warp.pairs import PairSamples, pairs_of
from model.train.warp.people import kept_people
from model.train.warp.settings import WarpTraining
from model.train.warp.source import SampleSource, WarpBatch, WarpSource, tensors

_log = logging.getLogger(__name__)


def _source(settings: WarpTraining) -> Source[WarpBatch]:
    """Pairs where the folder is a data set, else made-up people, which are made if they are not there."""
    if pairs := pairs_of([settings.data]):
        return SampleSource(PairSamples(pairs, (WIDTH, HEIGHT), settings.varied), tensors)
    people = kept_people(settings.data, settings.people, settings.people_seed, (WIDTH, HEIGHT), settings.processes)
    return WarpSource(people, settings.same_garment, settings.varied)


class WarpTask:
    """Flow, region, shade and paint, all at once."""

    module: nn.Module

    def __init__(self, settings: WarpTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        network = WarpNetwork()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module = network
        self.source = _source(settings)

    def loss(self, module: nn.Module, batch: WarpBatch, generator: Generator) -> Tensor:
        """Of a batch; its variations were drawn with it."""
        batch = batch.to(self._device)
        return losses(module(*batch.seen), batch, self._settings).total

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """People never learned from: in the old garment, the new one flat, through the flow, region, result, truth."""
        self._log_errors()
        batch = self._unseen[0]
        fields = self._fields(batch)
        size, count = batch.truth.shape[2:], self._settings.pictures
        warped = sampled(batch.seen.garment[:, :3], enlarged(fields.flow, size))
        region = (torch.sigmoid(fields.logits) * batch.mask * 2 - 1).expand(-1, 3, -1, -1)
        columns = [batch.photo, batch.seen.garment[:, :3], warped, region, self._result(fields, batch), batch.truth]
        return sheet([column[:count] for column in columns])

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On people never learned from, bare body maps, in another garment."""
        return measured(self._dressed(batch) for batch in self._unseen)

    def write(self) -> None:
        file = self._settings.out / WEIGHTS
        file.parent.mkdir(parents=True, exist_ok=True)
        tensors_ = {name: value.cpu() for name, value in self.module.state_dict().items()}
        halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors_.items()}
        file.write_bytes(save({name: value.contiguous() for name, value in halved.items()}))

    def _log_errors(self) -> None:
        """Flow, region and result on people never learned from, bare body maps, in another garment."""
        found = []
        for batch in self._unseen:
            fields = self._fields(batch)
            each = losses(fields, batch, self._settings)
            error = (self._result(fields, batch) - batch.truth).square()
            of_each = (error * batch.mask).sum((1, 2, 3)) / (3 * batch.mask.sum((1, 2, 3)))
            region, true = torch.sigmoid(fields.logits) * batch.mask > 0.5, batch.cover * batch.mask > 0.5
            overlap = (region & true).sum((1, 2, 3)) / (region | true).sum((1, 2, 3)).clamp(min=1)
            found.append(torch.stack([each.flow, (10 * torch.log10(4 / of_each)).mean(), overlap.mean()]))
        flow, psnr, overlap = torch.stack(found).mean(0).tolist()
        _log.info("unseen: flow off by %.2f px, region IoU %.3f, %.2f dB over the mask", flow, overlap, psnr)

    def _dressed(self, batch: WarpBatch) -> DressedBatch:
        fields = self._fields(batch)
        region = torch.sigmoid(fields.logits) * batch.mask
        return DressedBatch(self._result(fields, batch), batch.truth, region, batch.cover * batch.mask)

    def _fields(self, batch: WarpBatch) -> Fields:
        training = self.module.training
        fields: Fields = self.module.eval()(*batch.seen)
        self.module.train(training)
        return fields

    def _result(self, fields: Fields, batch: WarpBatch) -> Tensor:
        return composed(fields, batch.photo, batch.hole, batch.mask, batch.seen.garment)

    @cached_property
    def _unseen(self) -> list[WarpBatch]:
        asked, size = self._settings, (WIDTH, HEIGHT)
        made = held_out([asked.data], asked.unseen, asked.people_seed, size, asked.processes)
        groups = range(0, len(made), TOGETHER)
        return [tensors(made[start : start + TOGETHER]).to(self._device) for start in groups]
