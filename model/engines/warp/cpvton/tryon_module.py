"""CP-VTON+'s try-on module: a U-Net that paints, and says where the warped garment is to be left as it is.

Its six levels lie in one another, which gives the published weights their names.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.engines.warp.geometric.matching import PERSON

INPUT = PERSON + 3 + 1  # person, warped garment, its mask
_WIDTHS = (64, 128, 256, 512, 512, 512)  # channels, from half size to a sixty-fourth, as published
_OUTPUT = 3 + 1  # channels: a painting, and the warped garment's share


class Worn(NamedTuple):
    """result, rendered: (B, 3, H, W) in [-1, 1]. share: (B, 1, H, W), how much of the result is the garment."""

    result: Tensor
    rendered: Tensor
    share: Tensor


class UNetLevel(nn.Module):
    """Halves, asks the next level, and enlarges; beside its input, except for the outermost."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        outermost, innermost = depth == 0, depth == len(_WIDTHS) - 1
        before = INPUT if outermost else _WIDTHS[depth - 1]
        after = _OUTPUT if outermost else before
        width = _WIDTHS[depth]
        down: list[nn.Module] = [nn.Conv2d(before, width, 4, 2, 1)]
        if not outermost:
            down.insert(0, nn.LeakyReLU(0.2))
        inside = [] if innermost else [UNetLevel(depth + 1)]
        if inside and not outermost:
            down.append(nn.InstanceNorm2d(width))
        up = [
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(width if innermost else 2 * width, after, 3, 1, 1),
            nn.InstanceNorm2d(after),
        ]
        self.outermost = outermost
        self.model = nn.Sequential(*down, *inside, *up)

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.model(features)
        return found if self.outermost else torch.cat([features, found], 1)


class PublishedTryOn(nn.Module):
    """(B, INPUT, H, W) to `Worn`; sides are multiples of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.model = UNetLevel(0)

    def forward(self, person: Tensor, cloth: Tensor, mask: Tensor) -> Worn:
        output = self.model(torch.cat([person, cloth, mask], 1))
        rendered, share = torch.tanh(output[:, :3]), torch.sigmoid(output[:, 3:])
        return Worn(cloth * share + rendered * (1 - share), rendered, share)


def as_stored(pictures: Tensor) -> Tensor:
    """What is left of pictures in [-1, 1] that were files of 8 bits between the two networks: levels cut off."""
    return ((pictures + 1) / 2 * 255).clamp(0, 255).floor() / 255 * 2 - 1


def stored_mask(mask: Tensor) -> Tensor:
    """The same of a mask in 0..1: 0 or 1."""
    return ((mask * 255).clamp(0, 255).floor() >= 128).to(mask.dtype)
