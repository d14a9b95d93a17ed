"""Boxes worth a second look: three shapes at every place of five levels, scored and shifted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.perception.densepose.backbone import CHANNELS
from model.perception.densepose.boxes import clipped, shifted, without_doubles_by_group

# All numbers are those of the published configuration.
_SIZES, _STRIDES = (32, 64, 128, 256, 512), (4, 8, 16, 32, 64)  # pixels, by level
_RATIOS = (0.5, 1.0, 2.0)  # height over width
_MOST_OF_A_LEVEL, _MOST, _MOST_OVERLAP = 1000, 1000, 0.7  # boxes kept


class ProposalHead(nn.Module):
    """(N, 256, h, w) to scores (N, 3, h, w) and shifts (N, 12, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.objectness_logits = nn.Conv2d(CHANNELS, len(_RATIOS), 1)
        self.anchor_deltas = nn.Conv2d(CHANNELS, 4 * len(_RATIOS), 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.conv(features))
        return self.objectness_logits(hidden), self.anchor_deltas(hidden)


class Proposals(nn.Module):
    """Five levels of one picture's features to (N, 4) boxes, at most 1000, the best first."""

    def __init__(self) -> None:
        super().__init__()
        self.rpn_head = ProposalHead()

    def forward(self, levels: Sequence[Tensor], height: int, width: int) -> Tensor:
        boxes, scores, groups = [], [], []
        for number, features in enumerate(levels):
            logits, deltas = self.rpn_head(features)
            flat = logits[0].permute(1, 2, 0).flatten()
            best = flat.topk(min(_MOST_OF_A_LEVEL, len(flat))).indices
            steps = deltas[0].unflatten(0, (len(_RATIOS), 4)).permute(2, 3, 0, 1).reshape(-1, 4)
            boxes.append(shifted(anchors(number, features)[best], steps[best], (1, 1, 1, 1)))
            scores.append(flat[best])
            groups.append(torch.full_like(best, number))
        found, score, level = clipped(torch.cat(boxes), height, width), torch.cat(scores), torch.cat(groups)
        real = (found[:, 2:] > found[:, :2]).all(dim=1)
        found, score, level = found[real], score[real], level[real]
        return found[without_doubles_by_group(found, score, level, _MOST_OVERLAP)[:_MOST]]


def anchors(level: int, features: Tensor) -> Tensor:
    """(h x w x 3, 4): the shapes around every place of a level."""
    height, width = features.shape[-2:]
    stride, size = _STRIDES[level], _SIZES[level]
    widths = torch.tensor([(size * size / ratio) ** 0.5 for ratio in _RATIOS])
    half = torch.stack([widths, widths * torch.tensor(_RATIOS)], dim=1) / 2
    y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij")
    places = torch.stack([x, y], dim=-1).reshape(-1, 1, 2).to(half)
    return torch.cat([places - half, places + half], dim=2).reshape(-1, 4).to(features)
