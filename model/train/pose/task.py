"""Training of the network that finds joints."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor, nn

from model.perception.pose import POSE_FILES
from model.perception.simcc_pose import OUTPUTS
from model.train.parsing.export import NetworkInterface, write_onnx
from model.train.parsing.network import levels_of, normal
from model.train.parsing.people import ParsedPeople
from model.train.parsing.settings import PerceptionTraining
from model.train.parsing.source import VariedPhotos, people_of, unseen_people
from model.train.pose.framing import JointTargets, Photo, framed, varied
from model.train.pose.network import HEIGHT, JOINTS, STRIDE, VOTES_A_PIXEL, WIDTH, JointsNetwork

_log = logging.getLogger(__name__)

_SPREAD, _HEAT_SPREAD = 5.0, 1.5  # of the bells aimed at: votes, cells
_LEAST_SURE, _NEAR = 0.3, 0.05  # a joint counts as found; share of the frame's height it may be off
_LINES, _HEAT = 20.0, 50.0  # weights of the losses: most votes and cells are empty
_TOGETHER = 10  # photos a forward, when held-out ones are measured


class JointsBatch(NamedTuple):
    """pictures: (B, 3, H, W), the network's input. joints: (B, 17, 3), see `framing.JointTargets`."""

    pictures: Tensor
    joints: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(self.pictures.to(device), self.joints.to(device))


class PoseTask:
    """Where each joint is, and how sure that is."""

    module: nn.Module

    def __init__(self, settings: PerceptionTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        self._network = JointsNetwork()
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module = self._network
        self.source = VariedPhotos(people_of(settings), varied_batch)

    def loss(self, module: nn.Module, batch: JointsBatch, generator: Generator) -> Tensor:
        """Of a batch; its variations were drawn with it."""
        pictures, joints = batch.to(self._device)
        across, down, heat = module(pictures)
        x, y, sure = joints.unbind(-1)
        lines = F.binary_cross_entropy_with_logits(
            across.float(), bell(x * VOTES_A_PIXEL, sure, across.shape[-1], _SPREAD)
        ) + F.binary_cross_entropy_with_logits(down.float(), bell(y * VOTES_A_PIXEL, sure, down.shape[-1], _SPREAD))
        cells = [(place + 0.5) / STRIDE - 0.5 for place in (x, y)]
        columns = bell(cells[0], torch.ones_like(sure), heat.shape[-1], _HEAT_SPREAD)
        rows = bell(cells[1], sure, heat.shape[-2], _HEAT_SPREAD)
        spots = F.binary_cross_entropy_with_logits(heat.float(), rows[..., None] * columns[..., None, :])
        return _LINES * lines + _HEAT * spots

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """People never learned from, with the joints found and the true ones."""
        near, missed, imagined = self.unseen_scores()
        _log.info("unseen people: %.3f near, %.3f missed, %.3f imagined", near, missed, imagined)
        batch = self._unseen[0]
        count = self._settings.pictures
        photos = levels_of(batch.pictures[:count])
        rows = [
            [drawn(photo, joints) for photo, joints in zip(photos, joints_.cpu().numpy(), strict=False)]
            for joints_ in (self.found(batch.pictures), batch.joints)
        ]
        return Image.fromarray(np.concatenate([np.concatenate(row, 1) for row in rows]))

    @torch.no_grad()
    def unseen_scores(self) -> tuple[float, float, float]:
        """Of joints that are seen, the share found within a twentieth of the frame's height, and the share not found;
        of those that are not there, the share found all the same."""
        found = torch.cat([self.found(batch.pictures) for batch in self._unseen])
        true = torch.cat([batch.joints for batch in self._unseen])
        seen, absent, sure = true[..., 2] == 1, true[..., 2] == 0, found[..., 2] >= _LEAST_SURE
        near = (found - true)[..., :2].norm(dim=-1) <= _NEAR * HEIGHT
        return (
            float((near & sure)[seen].float().mean()),
            float((~sure)[seen].float().mean()),
            float(sure[absent].float().mean()),
        )

    @torch.no_grad()
    def found(self, pictures: Tensor) -> Tensor:
        """(B, 17, 3): x, y in the network's pixels, and how sure it is."""
        training = self.module.training
        across, down, _ = self.module.eval()(pictures.to(self._device))
        self.module.train(training)
        (x_sure, x), (y_sure, y) = across.sigmoid().cpu().max(-1), down.sigmoid().cpu().max(-1)
        return torch.stack([x / VOTES_A_PIXEL, y / VOTES_A_PIXEL, (x_sure + y_sure) / 2], -1)

    def write(self) -> None:
        lines = (VOTES_A_PIXEL * WIDTH, VOTES_A_PIXEL * HEIGHT)
        outputs = {name: [1, JOINTS, length] for name, length in zip(OUTPUTS, lines, strict=True)}
        interface = NetworkInterface((WIDTH, HEIGHT), outputs, {})
        write_onnx(self._network.votes(), interface, self._settings.out / POSE_FILES[0])

    @cached_property
    def _unseen(self) -> list[JointsBatch]:
        photos = [(part, i) for part in unseen_people(self._settings) for i in range(0, len(part), 2)]
        groups = (photos[start : start + _TOGETHER] for start in range(0, len(photos), _TOGETHER))
        return [_batch([framed(part, i) for part, i in group]) for group in groups]


def bell(places: Tensor, heights: Tensor, length: int, spread: float) -> Tensor:
    """(B, K, length): bells of these heights, (B, K), around places, (B, K)."""
    along = torch.arange(length, device=places.device)
    return heights[..., None] * torch.exp(-(((along - places[..., None]) / spread) ** 2) / 2)


def varied_batch(photos: Sequence[tuple[ParsedPeople, int]], rng: np.random.Generator) -> JointsBatch:
    """As somebody else might have taken and framed them."""
    return _batch([varied(part, i, rng) for part, i in photos])


def drawn(photo: Photo, joints: JointTargets) -> Photo:
    """With a dot for each joint, the surer the brighter."""
    picture = photo.copy()
    for x, y, sure in joints:
        if sure >= _LEAST_SURE:
            cv2.circle(picture, (int(x), int(y)), 2, (int(255 * sure), 0, 60), -1)
    return picture


def _batch(seen: Sequence[tuple[Photo, JointTargets]]) -> JointsBatch:
    photos, joints = (torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True))
    return JointsBatch(normal(photos), joints)
