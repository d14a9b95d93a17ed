"""Training of the shape predictor: ten numbers of the body, from all photos of a person."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor, nn

from model.body.smplx import SHAPES, read_body
from model.engines.up2you.features import weights as feature_weights
from model.engines.up2you.features.shape_predictor import ShapePredictor
from model.engines.up2you.files import BODY, SHAPE_PREDICTOR
from model.train.up2you.people import UNSEEN, PeoplePhotos, PhotographedPeople
from model.train.up2you.settings import UP2YouTraining

_log = logging.getLogger(__name__)

_TOGETHER = 8  # unseen people in a forward


class ShapeTask:
    """The published loss: the numbers' mean squared error, and the squared distance of every vertex of the body at
    rest, summed over vertices and people."""

    module: nn.Module

    def __init__(self, settings: UP2YouTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._features = feature_weights.features(settings.start).load(device, torch.float32)
        self._body = read_body(settings.start / BODY).to(device)
        if (settings.start / SHAPE_PREDICTOR).is_file():
            loaded = feature_weights.shape_predictor(settings.start).load(torch.device("cpu"), torch.float32)
            self.module = loaded.train().requires_grad_(True)
        else:
            dim = int(self._features.dino.config.hidden_size)
            self.module = ShapePredictor(dim, blocks=6, trunk=2, hidden=4 * dim, branch=dim // 2, shapes=SHAPES)
        self.source = PeoplePhotos(settings.data, settings.people_seed, settings.people, settings.size)

    def loss(self, module: nn.Module, batch: PhotographedPeople, generator: Generator) -> Tensor:
        """Of a batch of people."""
        people = batch.to(self._device)
        betas = module(seen_by(self._features, people.photos))
        off = betas - people.betas
        vertices = torch.einsum("vxs,bs->bvx", self._body.shape_directions, off)
        loss: Tensor = F.mse_loss(betas, people.betas) + vertices.square().sum()
        return loss

    @torch.no_grad()
    def unseen_errors(self) -> tuple[float, float]:
        """The mean distance of the vertices of people never learned from, metres: predicted, and of the mean body."""
        found, true = self._unseen_betas
        directions = self._body.shape_directions
        distances = [torch.einsum("vxs,bs->bvx", directions, off).norm(dim=-1).mean() for off in (found - true, true)]
        return float(distances[0]), float(distances[1])

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Found beside true numbers of people never learned from, as grey from -2 to 2, a person a row."""
        predicted, mean_body = self.unseen_errors()
        _log.info("unseen people: vertices off by %.2f mm, of the mean body %.2f", 1e3 * predicted, 1e3 * mean_body)
        found, true = self._unseen_betas
        rows = torch.stack([found, true], -1)[: self._settings.pictures].flatten(1)
        levels = ((rows / 4 + 0.5).clamp(0, 1) * 255).byte().cpu().numpy()
        return Image.fromarray(np.kron(levels, np.ones((12, 12), np.uint8))).convert("RGB").convert("RGB")

    def write(self) -> None:
        save(self.module, self._settings.out / SHAPE_PREDICTOR)

    @property
    def _unseen_betas(self) -> tuple[Tensor, Tensor]:
        training = self.module.training
        self.module.eval()
        found = [self.module(seen_by(self._features, people.photos)) for people in self._unseen]
        self.module.train(training)
        return torch.cat(found), torch.cat([people.betas for people in self._unseen])

    @cached_property
    def _unseen(self) -> list[PhotographedPeople]:
        return unseen_people(self._settings, self._device, _TOGETHER)


def unseen_people(settings: UP2YouTraining, device: torch.device, together: int) -> list[PhotographedPeople]:
    """In batches of the same number of photos, each person in the first painting."""
    people = PeoplePhotos(settings.data, UNSEEN, settings.unseen, settings.size)
    numbers = range(0, len(people), 2)
    return [people.batch(numbers[start : start + together]).to(device) for start in range(0, len(numbers), together)]


@torch.no_grad()
def seen_by(features: nn.Module, photos: Tensor) -> Tensor:
    """What frozen DINOv2 sees, (B, N, g, g, C), in photos, (B, N, 3, S, S)."""
    return torch.stack([features(of_person) for of_person in photos])


def save(module: nn.Module, file: Path) -> None:
    """Weights as published: a file of tensors as torch saves it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}, file)
