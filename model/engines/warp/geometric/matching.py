"""The geometric matching module: which spline lays the flat garment onto the person, from what both look like.

person   22 x 256 x 192 ──► encoder ──► 512 x 16 x 12 ─┐
                                                       ├─► correlation, 192 x 16 x 12 ──► regressor ──► 50 offsets
garment   c x 256 x 192 ──► encoder ──► 512 x 16 x 12 ─┘
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from model.engines.warp.geometric.thin_plate import ThinPlate

WIDTH, HEIGHT = 192, 256  # of what it sees, as published
PERSON = 22  # channels: see `representation`
_MULTIPLES = (1, 2, 4, 8)  # of the width, from half size to a sixteenth
_SHAPES = (4, 2, 1), (4, 2, 1), (3, 1, 1), (3, 1, 1)  # kernel, stride and border of the regressor's layers
_CELLS = WIDTH * HEIGHT // 16**2  # that correlation compares
_EPSILON = 1e-6  # of the published normalisation
_SPREAD = 0.02  # of the weights at the start, as published


class Encoder(nn.Module):
    """Four halvings, then convolutions that keep the size. (B, channels, H, W) to (B, 512, H / 16, W / 16).

    Args:
        last: how many of the latter: two as published, one in the smaller network.
        width: channels after the first halving.
    """

    def __init__(self, channels: int, last: int, width: int) -> None:
        super().__init__()
        widths = [width * multiple for multiple in _MULTIPLES]
        layers: list[nn.Module] = []
        for before, after in pairwise((channels, *widths)):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(after)]
        for _ in range(last - 1):
            layers += [nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), nn.ReLU(), nn.BatchNorm2d(widths[-1])]
        layers += [nn.Conv2d(widths[-1], widths[-1], 3, 1, 1), nn.ReLU()]
        self.model = nn.Sequential(*layers)

    def forward(self, picture: Tensor) -> Tensor:
        features: Tensor = self.model(picture)
        return features


class Regressor(nn.Module):
    """Offsets, (B, 2 x points) within -1..1, from a correlation, (B, 192, 16, 12)."""

    def __init__(self, points: int, width: int) -> None:
        super().__init__()
        widths = (_CELLS, *(width * multiple for multiple in reversed(_MULTIPLES)))
        layers: list[nn.Module] = []
        for (before, after), shape in zip(pairwise(widths), _SHAPES, strict=True):
            layers += [nn.Conv2d(before, after, *shape), nn.BatchNorm2d(after), nn.ReLU()]
        self.conv = nn.Sequential(*layers)
        self.linear = nn.Linear(widths[-1] * _CELLS // 16, 2 * points)

    def forward(self, correlation: Tensor) -> Tensor:
        return torch.tanh(self.linear(self.conv(correlation).flatten(1)))


class GeometricMatching(nn.Module):
    """Person, (B, 22, 256, 192), and garment, (B, garment, 256, 192), to `ThinPlate`'s offsets, (B, 50).

    The names of its parts are those of the published weights.

    Args:
        garment: channels: 1, its mask, or 4 with its colours.
        last, width: see `Encoder`.
    """

    def __init__(self, garment: int, last: int, width: int = 64) -> None:
        super().__init__()
        plate = ThinPlate()
        parts = (Encoder(PERSON, last, width), Encoder(garment, last, width), Regressor(len(plate.points), width))
        self.extractionA, self.extractionB, self.regression = parts
        self.plate = plate
        self.apply(_begin)

    def forward(self, person: Tensor, garment: Tensor) -> Tensor:
        one, other = normalised(self.extractionA(person)), normalised(self.extractionB(garment))
        theta: Tensor = self.regression(correlation(one, other))
        return theta

    def grid(self, theta: Tensor, size: tuple[int, int]) -> Tensor:
        """See `ThinPlate`."""
        grid: Tensor = self.plate(theta, size)
        return grid


def normalised(features: Tensor) -> Tensor:
    """Of length 1 at each place."""
    return features / (features.square().sum(1, keepdim=True) + _EPSILON).sqrt()


def correlation(one: Tensor, other: Tensor) -> Tensor:
    """(B, h w, h, w): how alike each place of `other` is to all places of `one`, whose columns come one by one."""
    batch, channels, height, width = one.shape
    columns = one.transpose(2, 3).reshape(batch, channels, -1)
    alike = columns.transpose(1, 2) @ other.flatten(2)
    return alike.view(batch, -1, height, width)


def _begin(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(module.weight, 0, _SPREAD)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, _SPREAD)
