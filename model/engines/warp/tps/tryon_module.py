"""The try-on module: paints the person in the warped garment, and says where the garment is to be left as it is.

44 channels ──► e1 ──► e2 ──► e3 ──► e4 ──► bottom, with attention
                 │      │      │      │        │
heads ◄── d1 ◄───┴ d2 ◄─┴─ d3 ◄┴─ d4 ◄┴────────┘
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.warp.tps.inputs import CLASSES, JOINTS

INPUT = 3 + 3 + 1 + JOINTS + 1 + CLASSES  # agnostic, warped garment, its mask, joints, shape, guide
_MULTIPLES = (1, 2, 4, 8, 8)  # of the width, from full size to a sixteenth
_QUERIES = 64  # at a width of 64


class Rendered(NamedTuple):
    """rendered: (B, 3, H, W) in [-1, 1]. share: (B, 1, H, W), how much of the result is the warped garment."""

    rendered: Tensor
    share: Tensor


class Refinement(nn.Module):
    """Refines features beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        refined: Tensor = features + self.layers(features)
        return refined


class GatedAttention(nn.Module):
    """Every place looks at all others, at first with no weight."""

    def __init__(self, channels: int, queries: int) -> None:
        super().__init__()
        self.query, self.key = nn.Conv2d(channels, queries, 1), nn.Conv2d(channels, queries, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        query, key, value = (layer(features).flatten(2).mT for layer in (self.query, self.key, self.value))
        seen = F.scaled_dot_product_attention(query, key, value)
        return features + self.gate * seen.mT.reshape(features.shape)


class TPSTryOn(nn.Module):
    """(B, INPUT, H, W) to `Rendered`; sides are multiples of 16.

    Args:
        width: channels at full size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * multiple for multiple in _MULTIPLES]
        self.down = nn.ModuleList(
            [
                _halved(INPUT, widths[0], 1),
                *(_halved(before, after, 2) for before, after in pairwise(widths[:-1])),
            ]
        )
        self.bottom = nn.Sequential(
            nn.Conv2d(widths[-2], widths[-1], 3, 2, 1),
            nn.ReLU(),
            GatedAttention(widths[-1], _QUERIES * width // 64 or 1),
            Refinement(widths[-1]),
        )
        befores = [widths[4], 2 * widths[3], 2 * widths[2], 2 * widths[1]]
        self.up = nn.ModuleList(_doubled(before, after) for before, after in zip(befores, widths[3::-1], strict=True))
        self.colours, self.composition = (_head(2 * widths[0], widths[0], channels) for channels in (3, 1))

    def forward(self, planes: Tensor) -> Rendered:
        seen = []
        for level in self.down:
            planes = level(planes)
            seen.append(planes)
        planes = self.bottom(planes)
        for level, skipped in zip(self.up, reversed(seen), strict=True):
            planes = torch.cat([level(planes), skipped], 1)
        return Rendered(torch.tanh(self.colours(planes)), torch.sigmoid(self.composition(planes)))


def _halved(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1), nn.ReLU(), Refinement(out))


def _doubled(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(channels, out, 4, 2, 1), nn.ReLU(), Refinement(out))


def _head(channels: int, width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, out, 3, 1, 1))
