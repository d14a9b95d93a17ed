"""What the networks see, from pictures and label maps of 96 x 128.

Geometry comes from labels and the mask alone: they look the same for made-up people and real ones.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.engines.warp.grids import identity, prior_flow
from model.tryon.request import Category

WIDTH, HEIGHT = 96, 128  # small enough for a processor; the flow is enlarged, and the garment sampled at full size
CELL = 2  # pixels a side of what the flow is told for

# Which plane of the geometry is 1 for a category.
PLACES: dict[Category, int] = {"upper": 0, "inner": 0, "outer": 0, "lower": 1, "overall": 2}

# ATR: hair; face and neck; tops, dresses and scarves; trousers, skirts and belts; arms; legs; shoes, hat and bag.
_GROUPS = ((2,), (11,), (4, 7, 17), (5, 6, 8), (14, 15), (12, 13), (1, 9, 10, 16))
_PARTS = 25  # DensePose

GEOMETRY = _PARTS + len(_GROUPS) + 1 + 2 + 3  # channels
PERSON, GARMENT = 3 + 1 + 1, 3 + 1  # channels: known photo, hole, mask; garment, its alpha


class Inputs(NamedTuple):
    """geometry: (B, GEOMETRY, H / 2, W / 2): DensePose parts, labels outside the mask, the mask, the prior flow, the
    kind of garment. person: (B, PERSON, H, W): what is known of the photo, the hole in it, the mask. garment:
    (B, GARMENT, H, W): colours in [-1, 1] and alpha."""

    geometry: Tensor
    person: Tensor
    garment: Tensor


def inputs(
    photo: Tensor,
    densepose: Tensor,
    atr: Tensor,
    mask: Tensor,
    hole: Tensor,
    garment: Tensor,
    alpha: Tensor,
    place: Tensor,
) -> Inputs:
    """
    Args:
        photo: (B, 3, H, W) in [-1, 1].
        densepose, atr: (B, H, W) labels; zeros where nobody knows.
        mask: (B, 1, H, W), 1 where the garment may go.
        hole: (B, 1, H, W), 1 where the photo shows the old garment, which is to vanish; a part of the mask.
        garment: (B, 3, H, W) in [-1, 1], the flat picture, its background filled up from the cloth.
        alpha: (B, 1, H, W), 1 where it shows the garment.
        place: (B,) of `PLACES`.
    """
    height, width = photo.shape[2] // CELL, photo.shape[3] // CELL
    group = _group_table(atr.device)[atr.long()] * (1 - mask[:, 0].long())
    planes = [
        F.avg_pool2d(_one_hot(densepose, _PARTS), CELL),
        F.avg_pool2d(_one_hot(group, len(_GROUPS) + 1)[:, 1:], CELL),
        F.avg_pool2d(mask, CELL),
        prior_flow(mask, alpha, (height, width)),
        F.one_hot(place.long(), 3).float()[..., None, None].expand(-1, -1, height, width),
    ]
    return Inputs(torch.cat(planes, 1), torch.cat([photo * (1 - hole), hole, mask], 1), torch.cat([garment, alpha], 1))


def resident_bytes() -> int:
    """Of one row's `Inputs`, and about as much again of what comes of them; float32."""
    cells, pixels = HEIGHT * WIDTH // CELL**2, HEIGHT * WIDTH
    return 2 * 4 * (GEOMETRY * cells + (PERSON + GARMENT) * pixels)


def garment_cells(garment: Tensor) -> Tensor:
    """(B, 6, h, w): the garment at the flow's size, black around it, and each cell's place."""
    colours, alpha = garment[:, :3], garment[:, 3:]
    small = F.avg_pool2d(torch.cat([colours * alpha, alpha], 1), CELL)
    places = identity(small.shape[2], small.shape[3], small.device)
    return torch.cat([small, places.expand(small.shape[0], -1, -1, -1)], 1)


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    """(B, classes, H, W) float32."""
    planes = torch.zeros((len(labels), classes, *labels.shape[1:]), device=labels.device)
    return planes.scatter_(1, labels[:, None].long(), 1)


def _group_table(device: torch.device) -> Tensor:
    table = torch.zeros(18, dtype=torch.int64, device=device)
    for number, group in enumerate(_GROUPS, 1):
        table[list(group)] = number
    return table
