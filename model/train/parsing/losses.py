"""How wrong logits are, and how much each class counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.train.parsing.people import MAPS, ParsedPeople

_COUNTED = 400  # photos whose labels tell how frequent each class is
_HEAVIEST = 8.0  # times the mean: a class of a few pixels would drown the others


def total_loss(logits: Sequence[Tensor], labels: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Weighted cross-entropy, the sum over the label maps. labels: (B, maps, H, W)."""
    losses = [
        F.cross_entropy(plane.float(), labels[:, i], weight)
        for i, (plane, weight) in enumerate(zip(logits, weights, strict=True))
    ]
    return torch.stack(losses).sum()


def class_weights(parts: Sequence[ParsedPeople]) -> list[Tensor]:
    """Of each map's classes: rarer ones weigh more, by the root of their share, at most eight times the mean pixel."""
    some = np.concatenate([part.labels[: -(-_COUNTED // len(parts))] for part in parts])
    weights = []
    for i, classes in enumerate(MAPS.values()):
        share = np.bincount(some[:, i].ravel(), minlength=classes) / some[:, i].size
        weight = 1 / np.sqrt(np.maximum(share, 1e-6))
        weight = (weight / (share * weight).sum()).clip(max=_HEAVIEST)
        weights.append(torch.tensor(weight, dtype=torch.float32))
    return weights
