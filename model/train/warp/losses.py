"""How wrong flow, region, cloth and result are."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.engines.warp.grids import enlarged, sampled
from model.engines.warp.network import Fields, composed, shaded
from model.train.warp.settings import WarpTraining
from model.train.warp.source import WarpBatch

_LEVELS = (0.2, 0.5, 1.0)  # weights of the flows, coarse to fine
_HIDDEN = 0.3  # weight of cloth that the flat picture does not show
_EDGE, _EDGE_WIDTH = 1.0, 5  # how much more the outline counts, and how many pixels of it


class Losses(NamedTuple):
    """Scalars. flow: pixels of the flat picture. Colours are in [-1, 1]."""

    total: Tensor
    flow: Tensor
    region: Tensor
    cloth: Tensor
    result: Tensor


def losses(fields: Fields, batch: WarpBatch, settings: WarpTraining) -> Losses:
    """Of a batch; `total` is what training makes small.

    The endpoint error of three flows, where they are known; cross-entropy of both regions; the cloth through the
    network's flow, and through the true one, which teaches the shade alone; the result over the mask; the paint where
    it is needed.
    """
    sure = batch.cover * (batch.cover > 0.5) * batch.mask * (_HIDDEN + (1 - _HIDDEN) * batch.shown)
    traced = sure * batch.traced
    flows = [flow_error(flow, batch.flow, traced) for flow in (fields.flow_12, fields.flow_24, fields.flow)]
    flow = sum(weight * error for weight, error in zip(_LEVELS, flows, strict=True))
    region = _region_error(fields.first_logits, batch) + 0.5 * _region_error(fields.logits, batch)
    cloth = _cloth_error(fields, batch, fields.flow, sure) + _cloth_error(fields, batch, batch.flow, traced)
    difference = composed(fields, batch.photo, batch.hole, batch.mask, batch.seen.garment) - batch.truth
    result = _mean(difference.abs(), batch.mask) + 2 * _mean(difference**2, batch.mask)
    paint = _mean((fields.painted - batch.truth).abs(), batch.hole * (1 - batch.cover))
    total = (
        settings.flow_loss * flow
        + settings.region_loss * region
        + settings.cloth_loss * cloth
        + settings.result_loss * result
        + paint
    )
    return Losses(total, flows[-1], region, cloth, result)


def flow_error(flow: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """The mean distance in pixels of the flat picture, as large as the photo, of a flow of any size from the truth."""
    height, width = truth.shape[2:]
    cell = height // flow.shape[2]
    if cell > 2:  # the coarse ones answer for the mean of their cells
        area = F.avg_pool2d(weight, cell)
        truth, weight = F.avg_pool2d(truth * weight, cell) / area.clamp(min=1e-4), area
    pixels = torch.tensor([width / 2, height / 2], device=flow.device)[None, :, None, None]
    apart = ((enlarged(flow, truth.shape[2:]) - truth) * pixels).square().sum(1, keepdim=True).add(1e-4).sqrt()
    return _mean(apart, weight)


def _region_error(logits: Tensor, batch: WarpBatch) -> Tensor:
    inside = (batch.cover > 0.5).float()
    side = _EDGE_WIDTH
    grown, shrunk = (F.max_pool2d(sign * inside, side, 1, side // 2) for sign in (1, -1))
    weight = batch.mask * (1 + _EDGE * (grown + shrunk))
    return _mean(F.binary_cross_entropy_with_logits(logits, batch.cover, reduction="none"), weight)


def _cloth_error(fields: Fields, batch: WarpBatch, flow: Tensor, weight: Tensor) -> Tensor:
    size = batch.truth.shape[2:]
    cloth = sampled(batch.seen.garment[:, :3], enlarged(flow, size))
    return _mean((shaded(cloth, enlarged(fields.shade, size)) - batch.truth).abs(), weight)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Over channels and pixels, weighted."""
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp(min=1.0)
