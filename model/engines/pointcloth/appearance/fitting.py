"""Descriptors and a rendering network from a few pictures of one outfit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from model.engines.pointcloth.appearance.losses import DICE_WEIGHT, dice
from model.engines.pointcloth.appearance.network import DESCRIPTOR, RenderingNetwork, composited
from model.engines.pointcloth.code_optimiser import CodeOptimiser
from model.engines.pointcloth.point_raster import Splats, splatted
from model.engines.pointcloth.visibility import SeenPoints

RADIUS, RENDER_RADIUS = 1.5, 2.0  # pixels: while fitting, and afterwards
# The published settings; turns are in degrees, shifts are shares of the picture's side.
THRESHOLD = 2e-3
_NETWORK_RATE, _DESCRIPTOR_RATE = 1e-4, 1e-2
_BETAS, _EPSILON = (0.5, 0.999), 1e-4
_BATCH = 2
_TURN, _SHIFT, _SCALES = 20.0, 0.15, (0.8, 1.2)


class View(NamedTuple):
    """One picture of the outfit. seen: one cloud before its body. picture: (3, S, S) in 0..1. mask: (1, S, S), 0..1."""

    seen: SeenPoints
    picture: Tensor
    mask: Tensor


@dataclass
class Painted:
    """Colours, (B, 3, S, S) in 0..1, and where the outfit is, (B, 1, S, S)."""

    colours: Tensor
    mask: Tensor


class AppearanceFit:
    """Descriptors and network are moved until the painted cloud looks like the pictures, a step an `iterate`.

    Args:
        compared: how far pictures in -1..1 are from each other.
        faster: how many times the published rates; pictures are few, and time is short.
    """

    def __init__(
        self, views: Sequence[View], compared: nn.Module, generator: Generator, *, faster: float = 1.0
    ) -> None:
        self._views, self._compared, self._generator = list(views), compared, generator
        device = views[0].picture.device
        points = views[0].seen.depths.shape[1]
        self.network = RenderingNetwork().to(device).train()
        self.descriptors = torch.randn(points, DESCRIPTOR, generator=generator).to(device).requires_grad_()
        rate = faster * _NETWORK_RATE
        self._of_network = torch.optim.Adam(self.network.parameters(), rate, _BETAS, _EPSILON)
        self._of_descriptors = CodeOptimiser([self.descriptors], faster * _DESCRIPTOR_RATE, _BETAS, _EPSILON)
        size = views[0].picture.shape[-1]
        self._splats = [splatted(view.seen.places, view.seen.depths, size, RADIUS) for view in self._views]
        self.losses: list[float] = []

    def iterate(self) -> None:
        """One step on two pictures, moved together with their splats; behind them is noise."""
        with torch.enable_grad():
            loss = self._loss()
        self._of_network.zero_grad()
        self.descriptors.grad = None
        torch.autograd.backward(loss)
        self._of_network.step()
        if self.descriptors.grad is not None:
            self._of_descriptors.step([self.descriptors.grad])
        self.losses.append(float(loss.detach()))

    def _loss(self) -> Tensor:
        drawn = torch.randint(len(self._views), (_BATCH,), generator=self._generator).tolist()
        rows = [self._moved(self._views[i], self._splats[i]) for i in drawn]
        coverage, features, picture, mask = (torch.stack(column) for column in zip(*rows, strict=True))
        background = torch.rand(picture.shape, generator=self._generator).to(picture)
        colours, found = self.network(coverage, features)
        truth = picture * mask + background * (1 - mask)
        painted = composited(colours, found, background)
        compared: Tensor = self._compared(painted, truth * 2 - 1)
        return compared + DICE_WEIGHT * dice(found, mask)

    def _moved(self, view: View, splats: Splats) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features = splats.blended((self.descriptors * view.seen.alpha[0][:, None])[None])
        planes = torch.cat([splats.coverage, features, view.picture[None], view.mask[None]], 1)
        grid = F.affine_grid(random_move(self._generator).to(planes)[None], list(planes.shape), align_corners=False)
        moved = F.grid_sample(planes, grid, align_corners=False)[0]
        return moved[:1], moved[1 : 1 + DESCRIPTOR], moved[-4:-1], moved[-1:]


def random_move(generator: Generator) -> Tensor:
    """(2, 3): turned, shifted and scaled about the middle."""
    turn, across, down, scale = (2 * torch.rand(4, generator=generator) - 1).tolist()
    angle, (least, most) = np.radians(_TURN * turn), _SCALES
    size = 1 / ((least + most) / 2 + scale * (most - least) / 2)
    cosine, sine = size * np.cos(angle), size * np.sin(angle)
    return torch.tensor([[cosine, -sine, 2 * _SHIFT * across], [sine, cosine, 2 * _SHIFT * down]], dtype=torch.float32)


@torch.no_grad()
def painted(network: RenderingNetwork, descriptors: Tensor, seen: SeenPoints, size: int) -> Painted:
    """A cloud with these descriptors, (P, 16), as the network paints it. size: a multiple of 16."""
    splats = splatted(seen.places, seen.depths, size, RENDER_RADIUS)
    colours, mask = network.eval()(splats.coverage, splats.blended(descriptors[None] * seen.alpha[..., None]))
    return Painted((colours + 1) / 2, mask)
