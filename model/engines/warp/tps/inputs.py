"""What the three networks see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.engines.warp.geometric.matching import HEIGHT, WIDTH
from model.engines.warp.geometric.representation import Mask, pose_maps, shape
from model.perception.skeletons import Joints

JOINTS, CLASSES = 18, 18  # COCO's, ATR's
GEOMETRY = JOINTS + 1 + CLASSES  # channels: joints, the body's shape, labels
STEP = 16  # pixels: sides are multiples of it


class SplineInputs(NamedTuple):
    """geometry: (B, GEOMETRY, 256, 192): a map a joint and the body's shape, in [-1, 1]; labels outside the mask, one a
    plane. agnostic: (B, 3, H, W) in [-1, 1], the photo, grey within the mask. garment: (B, 4, H, W): colours in [-1, 1]
    on white, and alpha."""

    geometry: Tensor
    agnostic: Tensor
    garment: Tensor

    @property
    def joints(self) -> Tensor:
        return self.geometry[:, :JOINTS]

    @property
    def shape(self) -> Tensor:
        return self.geometry[:, JOINTS : JOINTS + 1]


def geometry(joints: Sequence[Joints], bodies: Sequence[Mask], labels: Tensor, mask: Tensor) -> Tensor:
    """
    Args:
        joints: (18, 2) or (18, 3) a person, COCO-18 in pixels of 192 x 256. bodies: (256, 192) a person.
        labels: (B, 256, 192), ATR's. mask: (B, 1, 256, 192), 1 where the garment may go.
    """
    kept = labels.long() * (mask[:, 0] < 0.5)
    planes = torch.zeros((len(kept), CLASSES, *kept.shape[1:])).scatter_(1, kept[:, None], 1)
    drawn = [
        torch.cat([pose_maps(each, (WIDTH, HEIGHT)), shape(body)[None]])
        for each, body in zip(joints, bodies, strict=True)
    ]
    return torch.cat([torch.stack(drawn), planes], 1)


def on_white(colours: Tensor, alpha: Tensor) -> Tensor:
    """(B, 4, H, W) from (B, 3, H, W) in [-1, 1] and (B, 1, H, W)."""
    return torch.cat([colours * alpha + (1 - alpha), alpha], 1)


def for_matching(planes: Tensor) -> Tensor:
    """Planes of any size at that of the matching module."""
    if planes.shape[2:] == (HEIGHT, WIDTH):
        return planes
    return F.interpolate(planes, size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False, antialias=True)
