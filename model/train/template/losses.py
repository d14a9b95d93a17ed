"""How far a labelling is from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.clothes.buffers import BodyLayer
from model.engines.template.place_network import LAYERS, PlaceMaps, turned_back
from model.train.template.kept_people import LabelledPhotos

_EYES = 0.5  # weight of a layer of few pixels, which are easily called skin
_LEAST_COVERED = 0.2  # of a coarse cell, for it to count


@dataclass(frozen=True)
class Errors:
    """Each a scalar. place: mean distance in metres where somebody is. layer: the share of their pixels of the wrong
    layer. loss: what is minimised."""

    loss: Tensor
    place: Tensor
    layer: Tensor


def errors(predicted: PlaceMaps, photos: LabelledPhotos) -> Errors:
    """Of a batch."""
    somebody = (photos.coarse_layers > 0).float()[:, None]
    azimuths = torch.stack([photos.azimuths.sin(), photos.azimuths.cos()], 1)
    true_seen = turned_back(photos.places, azimuths)
    off = (predicted.places - photos.places).abs().sum(1, keepdim=True)
    spread = off * torch.exp(-predicted.spreads) + 3 * predicted.spreads  # Laplace's likelihood
    loss = (
        1.5 * F.cross_entropy(predicted.layers, photos.layers, _layer_weights(predicted.layers))
        + 4 * _mean((predicted.seen - true_seen).abs().sum(1, keepdim=True), somebody)
        + 2 * _mean(off, somebody)
        + 0.2 * _mean(spread, somebody)
        + (predicted.azimuths - azimuths).square().sum(1).mean()
        + 3 * _mean(_light_error(predicted.gains, photos), somebody)
        + 0.5 * sum(_coarse_error(coarse, true_seen, photos) for coarse in (predicted.coarse, predicted.coarsest))
    )
    with torch.no_grad():
        distance = _mean((predicted.places - photos.places).square().sum(1, keepdim=True).sqrt(), somebody)
        there = photos.layers > 0
        wrong = (predicted.layers.argmax(1) != photos.layers)[there].float().mean()
    return Errors(loss, distance, wrong)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)


def _layer_weights(logits: Tensor) -> Tensor:
    weights = logits.new_ones(LAYERS)
    weights[BodyLayer.EYES] = _EYES
    return weights


def _light_error(gains: Tensor, photos: LabelledPhotos) -> Tensor:
    """(B, 1, S/2, S/2): of the photo with its light taken off, against the evenly lit one."""
    halved = F.avg_pool2d(photos.colours[:, :3], 2)
    finer = F.interpolate(gains, size=halved.shape[-2:], mode="bilinear", align_corners=False)
    return (halved * finer.exp() - photos.even).abs().mean(1, keepdim=True)


def _coarse_error(predicted: Tensor, true_seen: Tensor, photos: LabelledPhotos) -> Tensor:
    """Of places and layers in coarse cells, each the mean of what is in it."""
    cell = true_seen.shape[-1] // predicted.shape[-1]
    somebody = (photos.coarse_layers > 0).float()[:, None]
    covered = F.avg_pool2d(somebody, cell)
    true = F.avg_pool2d(true_seen * somebody, cell) / covered.clamp(min=1e-4)
    shares = F.avg_pool2d(F.one_hot(photos.coarse_layers, LAYERS).permute(0, 3, 1, 2).float(), cell)
    counting = covered * (covered > _LEAST_COVERED)
    places, layers = predicted[:, :3], predicted[:, 3:]
    off = 3 * (places - true).abs().sum(1, keepdim=True)
    surprise = -(shares * layers.log_softmax(1)).sum(1, keepdim=True)
    return _mean(off + surprise, counting)
