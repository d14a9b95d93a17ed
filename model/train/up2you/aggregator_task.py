"""Training of the feature aggregator by dense truth: of made-up people it is known which places of photos show what of
each view. The published one learns it through the pictures that the views' network makes of the chosen places."""

from __future__ import annotations

import logging
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor, nn

from model.body.smplx import read_body
from model.clothes.wardrobe import read_wardrobe
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.features.aggregator import FeatureAggregator
from model.engines.up2you.files import BODY, FEATURE_AGGREGATOR
from model.train.up2you.correspondence import KeptViews, truths_of
from model.train.up2you.people import PeoplePhotos, PhotographedPeople
from model.train.up2you.settings import UP2YouTraining
from model.train.up2you.shape_task import save, seen_by, unseen_people
from model.weights.pack import DEMO

_log = logging.getLogger(__name__)

_CHANNELS = (32, 64, 128, 256, 512)  # published
_BLOCKS = ("self", "self", "cross", "cross")


class AggregatorScores(nn.Module):
    """The aggregator's scores of several people: poses (B, 6, 3, H, W), features (B, N, g, g, C) to (B, 6, N, g, g)."""

    def __init__(self, aggregator: FeatureAggregator) -> None:
        super().__init__()
        self.aggregator = aggregator

    def forward(self, poses: Tensor, features: Tensor) -> Tensor:
        return torch.stack([self.aggregator.scores(*row) for row in zip(poses, features, strict=True)])


class AggregatorTask:
    """What the aggregator says of each place shall be its true weight, wherever the person is."""

    module: nn.Module

    def __init__(self, settings: UP2YouTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._features = feature_weights.features(settings.start).load(device, torch.float32)
        if (settings.start / FEATURE_AGGREGATOR).is_file():
            unloaded = feature_weights.feature_aggregator(settings.start, settings.pose_size)
            self._network = unloaded.load(torch.device("cpu"), torch.float32).train().requires_grad_(True)
        else:
            dim = int(self._features.dino.config.hidden_size)
            self._network = FeatureAggregator(_CHANNELS, dim, _BLOCKS, 4 * dim, pose_size=settings.pose_size)
        self.module = AggregatorScores(self._network)
        self.source = PeoplePhotos(settings.data, settings.people_seed, settings.people, settings.size)
        body = read_body(DEMO / BODY)  # the one that made-up people have
        self._views = KeptViews(settings.data, body, read_wardrobe(body))

    def loss(self, module: nn.Module, batch: PhotographedPeople, generator: Generator) -> Tensor:
        """The mean squared error of a batch, in units in which the mean weight is 1."""
        return self._error(module, batch.to(self._device))

    def _error(self, module: nn.Module, people: PhotographedPeople) -> Tensor:
        features = seen_by(self._features, people.photos)
        poses, weights = truths_of(people, self._views, features.shape[2])
        there = _alphas(people, features.shape[2])
        error = (module(poses, features).float() - weights).square() * there
        mean: Tensor = error.sum() / there.expand_as(error).sum().clamp(min=1)
        return mean

    @torch.no_grad()
    def unseen_scores(self) -> tuple[float, float]:
        """How alike found and true weights of people never learned from are, the mean cosine of a view's; and how alike
        those are that say the same of every place of the person."""
        alike = []
        for people, found, weights in self._unseen_weights():
            plain = _alphas(people, found.shape[-1]).expand_as(weights)
            true = weights.flatten(2)
            alike.append([F.cosine_similarity(of.flatten(2), true, dim=-1).mean() for of in (found, plain)])
        first, second = torch.tensor(alike).mean(0).tolist()
        return first, second

    def _unseen_weights(self) -> list[tuple[PhotographedPeople, Tensor, Tensor]]:
        training = self.module.training
        self.module.eval()
        seen = []
        for people in self._unseen:
            features = seen_by(self._features, people.photos)
            poses, weights = truths_of(people, self._views, features.shape[2])
            found = self.module(poses, features).relu() * _alphas(people, features.shape[2])
            seen.append((people, found, weights))
        self.module.train(training)
        return seen

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Photos of somebody never learned from, and under them for each view the found and the true weights."""
        _log.info("unseen people: weights alike by %.3f, the same everywhere by %.3f", *self.unseen_scores())
        people, found, weights = self._unseen_weights()[0]
        size = people.photos.shape[-1]
        rows = [torch.cat(list(people.photos[0]), -1).cpu()]
        for maps in (pair for view in zip(found[0], weights[0], strict=True) for pair in view):
            large = F.interpolate((maps / maps.max().clamp(min=1e-6))[None], (size // 2, size), mode="nearest")[0]
            rows.append(torch.cat(list(large), -1).expand(3, -1, -1).cpu())
        levels: np.ndarray = (torch.cat(rows, 1).clamp(0, 1) * 255 + 0.5).permute(1, 2, 0).byte().numpy()
        return Image.fromarray(levels)

    def write(self) -> None:
        save(self._network, self._settings.out / FEATURE_AGGREGATOR)

    @cached_property
    def _unseen(self) -> list[PhotographedPeople]:
        return unseen_people(self._settings, self._device, 1)


def _alphas(people: PhotographedPeople, grid: int) -> Tensor:
    """(B, 1, N, g, g): 1 where the person is."""
    return (F.interpolate(people.alphas, (grid, grid), mode="nearest") > 0.5).float()[:, None]
