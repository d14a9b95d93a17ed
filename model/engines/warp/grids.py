"""Places in a picture as numbers, and pictures seen through them.

A flow is (B, 2, h, w): for each place x and y in another picture, whose borders are -1 and 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def identity(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """(1, 2, h, w): each place itself."""
    y, x = ((torch.arange(size, device=device, dtype=torch.float32) * 2 + 1) / size - 1 for size in (height, width))
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])[None]


def sampled(picture: Tensor, flow: Tensor, beyond: str = "border") -> Tensor:
    """(B, C, h, w): what a picture, (B, C, H, W), shows at the places of a flow; past its borders, the border."""
    grid = flow.float().permute(0, 2, 3, 1)
    return F.grid_sample(picture.float(), grid, "bilinear", beyond, align_corners=False)


def enlarged(plane: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Bilinear, to (h, w)."""
    if plane.shape[2:] == torch.Size(size):
        return plane
    return F.interpolate(plane, size=tuple(size), mode="bilinear", align_corners=False)


def prior_flow(mask: Tensor, alpha: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 2, h, w): the box of what is to be painted laid onto the box of the garment, the first guess of where.

    Args:
        mask: (B, 1, H, W), of the photo.
        alpha: (B, 1, H, W), of the flat picture.
    """
    (middle, half), (flat_middle, flat_half) = _box(mask), _box(alpha)
    places = identity(*size, mask.device)
    return ((places - middle) / half * flat_half + flat_middle).clamp(-1.5, 1.5)


_TAIL = 0.02  # share of the area beyond either end of a box: some stray pixels do not move it


def _box(area: Tensor) -> tuple[Tensor, Tensor]:
    """Middle and half extent, (B, 2, 1, 1) each, of where most of it lies; of the whole picture if there is none."""
    ends = []
    for across in (2, 3):  # sums along the rows tell x, sums along the columns y
        along = area[:, 0].float().sum(across - 1).cumsum(1)
        share = along / along[:, -1:].clamp(min=1e-6)
        count = share.shape[1]
        low, high = ((share < end).float().sum(1) / count * 2 - 1 for end in (_TAIL, 1 - _TAIL))
        nothing = along[:, -1] <= 0
        ends.append((low.masked_fill(nothing, -1), high.masked_fill(nothing, 1)))
    low, high = (torch.stack(both, 1)[..., None, None] for both in zip(*ends, strict=True))
    return (low + high) / 2, ((high - low) / 2).clamp(min=0.05)
