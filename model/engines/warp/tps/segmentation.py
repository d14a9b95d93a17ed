"""What the person will look like in the garment, as ATR's 18 labels: a U-Net of four halvings."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.warp.tps.inputs import CLASSES, GEOMETRY

_MULTIPLES = (1, 2, 4, 8, 16)  # of the width, from full size to a sixteenth
_BLUR, _SPREAD = 15, 3.0  # pixels a side and standard deviation, of an enlarged segmentation


class SegmentationNetwork(nn.Module):
    """Geometry and garment, (B, GEOMETRY + 4, 256, 192), to logits, (B, 18, 256, 192)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * multiple for multiple in _MULTIPLES]
        self.down = nn.ModuleList(_twice(before, after) for before, after in pairwise([GEOMETRY + 4, *widths]))
        self.up = nn.ModuleList(_twice(a + b, a) for a, b in pairwise(widths))
        self.out = nn.Conv2d(width, CLASSES, 1)

    def forward(self, geometry: Tensor, garment: Tensor) -> Tensor:
        planes, seen = torch.cat([geometry, garment], 1), []
        for number, level in enumerate(self.down):
            planes = level(F.max_pool2d(planes, 2) if number else planes)
            seen.append(planes)
        for level, skipped in zip(reversed(self.up), reversed(seen[:-1]), strict=True):
            larger = F.interpolate(planes, size=skipped.shape[2:], mode="bilinear", align_corners=False)
            planes = level(torch.cat([skipped, larger], 1))
        logits: Tensor = self.out(planes)
        return logits


def one_hot(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 18, h, w): the likeliest label of each place of `size`, (h, w), with smooth outlines."""
    larger = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
    ticks = torch.arange(_BLUR, device=logits.device) - _BLUR // 2
    line = torch.exp(-(ticks**2) / (2 * _SPREAD**2)).to(logits.dtype)
    line = (line / line.sum()).expand(CLASSES, 1, 1, -1)
    half = _BLUR // 2
    across = F.conv2d(F.pad(larger, (half, half, 0, 0), mode="replicate"), line, groups=CLASSES)
    smooth = F.conv2d(F.pad(across, (0, 0, half, half), mode="replicate"), line.mT, groups=CLASSES)
    return torch.zeros_like(smooth).scatter_(1, smooth.argmax(1, keepdim=True), 1)


def _twice(channels: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (channels, out):
        layers += [nn.Conv2d(before, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers)
