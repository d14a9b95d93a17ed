"""What warping cannot say: light and shadow on the cloth, the exact outline, and what the old garment hid.

known photo, hole, mask ─┐
warped garment, alpha ───┼─► 48 x 64 ──► 24 x 32 ──► 12 x 16 ──► 6 x 8
region, features ────────┘      │            │            │         │
                                ▼            ▼            ▼         │
                             48 x 64 ◄── 24 x 32 ◄── 12 x 16 ◄──────┘
                                │            └─► shade, log of a gain a channel
                                └─► paint and a correction of the region, 96 x 128
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.warp.flow_network import FEATURES
from model.engines.warp.grids import enlarged
from model.engines.warp.inputs import GARMENT, PERSON
from model.engines.warp.layers import ConvBlock, Level, silent

_CHANNELS = (40, 64, 96, 128)  # at 48 x 64, 24 x 32, 12 x 16, 6 x 8
_SEEN = PERSON + GARMENT + 1  # channels: person, warped garment, region


class Paint(NamedTuple):
    """painted: (B, 3, 128, 96) in [-1, 1]. logits: (B, 1, 128, 96), added to the flow's. shade: (B, 3, 32, 24)."""

    painted: Tensor
    logits: Tensor
    shade: Tensor


class TryOnModule(nn.Module):
    """A U-Net over the photo without the old garment and the new one where it goes."""

    def __init__(self) -> None:
        super().__init__()
        first = nn.Sequential(nn.Conv2d(4 * _SEEN + FEATURES, _CHANNELS[0], 1), ConvBlock(_CHANNELS[0], _CHANNELS[0]))
        pairs = list(pairwise(_CHANNELS))
        self.down = nn.ModuleList([first, *(Level(a, b, 2) for a, b in pairs)])
        self.up = nn.ModuleList(ConvBlock(a + b, a) for a, b in pairs)
        self.shade = silent(nn.Conv2d(_CHANNELS[1], 3, 3, 1, 1))
        self.out = silent(nn.Conv2d(_CHANNELS[0], 4 * 4, 3, 1, 1))

    def forward(self, person: Tensor, warped: Tensor, region: Tensor, features: Tensor) -> Paint:
        """
        Args:
            person: (B, PERSON, 128, 96).
            warped: (B, GARMENT, 128, 96), the garment and its alpha as seen through the flow.
            region: (B, 1, 128, 96), 0..1.
            features: (B, FEATURES, 64, 48).
        """
        planes = F.pixel_unshuffle(torch.cat([person, warped, region], 1), 2)
        seen = [self.down[0](torch.cat([planes.to(features.dtype), features], 1))]
        for level in list(self.down)[1:]:
            seen.append(level(seen[-1]))
        found = seen[-1]
        finer = []
        for level, skipped in zip(reversed(self.up), reversed(seen[:-1]), strict=True):
            found = level(torch.cat([skipped, enlarged(found, skipped.shape[2:])], 1))
            finer.append(found)
        planes = F.pixel_shuffle(self.out(found).float(), 2)
        return Paint(torch.tanh(planes[:, :3]), planes[:, 3:], self.shade(finer[-2]).float())
