"""Batches for the variant `tps`, from the samples that the other variant learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor

from model.engines.warp.geometric.joints import joints_of_parts
from model.engines.warp.geometric.matching import HEIGHT, WIDTH
from model.engines.warp.tps.inputs import SplineInputs, geometry, on_white
from model.train.warp.samples import Bytes, Sample


@dataclass(frozen=True)
class SplineBatch:
    """What the networks see of B samples, and the truth: truth: (B, 3, H, W) in [-1, 1], cover, mask: (B, 1, H, W),
    where the garment is and where it may be. labels: (B, 256, 192), ATR's of the truth."""

    seen: SplineInputs
    truth: Tensor
    cover: Tensor
    mask: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Self:
        rest = (getattr(self, field.name).to(device) for field in fields(self)[1:])
        return type(self)(SplineInputs(*(tensor.to(device) for tensor in self.seen)), *rest)


def batch_of(samples: Sequence[Sample]) -> SplineBatch:
    """All samples as one batch."""

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([np.ascontiguousarray(getattr(one, name)) for one in samples]))

    def colours(name: str) -> Tensor:
        return stacked(name).permute(0, 3, 1, 2).float() / 127.5 - 1

    parts = [_matching(one.densepose) for one in samples]
    labels = [_matching(one.atr) for one in samples]
    masks = torch.from_numpy(np.stack([_matching(one.mask) for one in samples]))[:, None].float()
    bodies = [(part > 0) | (label > 0) for part, label in zip(parts, labels, strict=True)]
    planes = geometry([joints_of_parts(part) for part in parts], bodies, torch.from_numpy(np.stack(labels)), masks)
    mask = stacked("mask")[:, None].float()
    seen = SplineInputs(
        planes, colours("photo") * (1 - mask), on_white(colours("flat"), stacked("alpha")[:, None].float())
    )
    worn = torch.from_numpy(np.stack([_matching(one.worn) for one in samples])).long()
    return SplineBatch(seen, colours("truth"), stacked("cover")[:, None].float(), mask, worn)


def _matching(labels: Bytes) -> Bytes:
    return np.asarray(cv2.resize(labels, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
