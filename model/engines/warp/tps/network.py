"""All three networks as one, and how a picture comes of what they say.

geometry, agnostic, garment ──► matching ──► offsets ──► garment through the spline ─┐
geometry, garment ──► segmentation ──► guide ────────────────────────────────────────┼──► try-on module
agnostic, joints, shape ─────────────────────────────────────────────────────────────┘        │
result = share · garment through the spline + (1 - share) · rendered              ◄── rendered, share
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.warp.geometric.matching import GeometricMatching
from model.engines.warp.geometric.thin_plate import seen_through
from model.engines.warp.tps.inputs import SplineInputs, for_matching
from model.engines.warp.tps.segmentation import SegmentationNetwork, one_hot
from model.engines.warp.tps.tryon_module import TPSTryOn

WIDTH = 64  # channels; the segmentation has half as many
_IN_FRONT = (2, 14, 15)  # ATR: hair and arms


class TPSAnswer(NamedTuple):
    """theta: (B, 50), see `ThinPlate`. logits: (B, 18, 256, 192). cloth, cover: (B, 3 and 1, H, W), the garment through
    the spline and its alpha, without what hair and arms hide. rendered, share: see `Rendered`."""

    theta: Tensor
    logits: Tensor
    cloth: Tensor
    cover: Tensor
    rendered: Tensor
    share: Tensor

    @property
    def result(self) -> Tensor:
        """(B, 3, H, W) in [-1, 1]."""
        return self.share * self.cloth + (1 - self.share) * self.rendered


class TPSNetwork(nn.Module):
    """`SplineInputs` in, `TPSAnswer` out. Rows are independent.

    Args:
        width: channels of the first layers: 64 as described, less for trials.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.gmm = GeometricMatching(garment=4, last=1, width=width)
        self.seg = SegmentationNetwork(max(1, width // 2))
        self.tom = TPSTryOn(width)

    def forward(self, geometry: Tensor, agnostic: Tensor, garment: Tensor) -> TPSAnswer:
        seen = SplineInputs(geometry, agnostic, garment)
        theta, logits, cloth, cover = self.warped(seen)
        guide = one_hot(logits.detach(), (agnostic.shape[2], agnostic.shape[3]))
        cover = cover * (1 - guide[:, list(_IN_FRONT)].sum(1, keepdim=True))
        return TPSAnswer(theta, logits, cloth, cover, *self.painted(seen, cloth, cover, guide))

    def warped(self, seen: SplineInputs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Offsets, logits, the garment through the spline and its alpha: what the first stage trains."""
        small = for_matching(seen.garment)
        theta = self.gmm(torch.cat([seen.shape, for_matching(seen.agnostic), seen.joints], 1), small)
        grid = self.gmm.grid(theta, (seen.garment.shape[2], seen.garment.shape[3]))
        cloth, cover = seen_through(seen.garment[:, :3], grid), seen_through(seen.garment[:, 3:], grid, "zeros")
        return theta, self.seg(seen.geometry, small), cloth, cover

    def painted(self, seen: SplineInputs, cloth: Tensor, cover: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """Rendered, and the share of the garment, which is never where its picture shows none."""
        size = cloth.shape[2:]
        joints = F.interpolate(seen.joints, size=size, mode="nearest")
        shape = F.interpolate(seen.shape, size=size, mode="bilinear", align_corners=False)
        rendered, share = self.tom(torch.cat([seen.agnostic, cloth, cover, joints, shape, guide], 1))
        return rendered, share * cover
