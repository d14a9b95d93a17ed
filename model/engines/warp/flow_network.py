"""Which point of the flat garment each place of the photo shows: from coarse to fine, with an attention in between.

    geometry 48 x 64 ──► 24 x 32 ──► 12 x 16 ──► 6 x 8 ─┐
                                                        ├─► bottom ──┐
    garment  48 x 64 ──► 24 x 32 ──► 12 x 16 ──► 6 x 8 ─┘            │
                  │           │           └── keys ──► attention ◄── queries, 12 x 16
                  │           │                          │  the place each query expects
                  │           │      prior ──────────► flow 12 x 16
                  │           └─ seen through it ─────► flow 24 x 32
                  └───────────── seen through it ─────► flow 48 x 64, region 96 x 128, features

Each flow corrects the coarser one, the first a prior: the mask's box laid onto the garment's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.warp.grids import enlarged, identity, sampled
from model.engines.warp.inputs import GEOMETRY, garment_cells
from model.engines.warp.layers import ConvBlock, Level, silent

_PRIOR = slice(GEOMETRY - 5, GEOMETRY - 3)  # of the geometry's channels
_PERSON, _GARMENT = (24, 40, 80, 128), (16, 32, 56, 80)  # channels at 48 x 64, 24 x 32, 12 x 16, 6 x 8
_BOTTOM, _KEYS, _VALUES = 128, 48, 32  # of the bottom and the attention
_COARSE, _MIDDLE = 80, 56  # of the flows at 12 x 16 and 24 x 32
FEATURES = 32  # of the flow at 48 x 64, which the try-on module sees too


class Flow(NamedTuple):
    """flows: (B, 2, h, w) of 12 x 16, 24 x 32 and 48 x 64. logits: (B, 1, 128, 96), of the garment covering a pixel.
    features: (B, FEATURES, 64, 48)."""

    flows: tuple[Tensor, Tensor, Tensor]
    logits: Tensor
    features: Tensor


class FlowNetwork(nn.Module):
    """Geometry and garment in, `Flow` out."""

    def __init__(self) -> None:
        super().__init__()
        self.person = _encoder(GEOMETRY, _PERSON)
        self.garment = _encoder(6, _GARMENT)
        self.bottom = Level(_PERSON[3] + 2 * _GARMENT[3], _BOTTOM)
        self.attention = Attention(_PERSON[2] + _BOTTOM, _GARMENT[2])
        self.coarse = Level(_PERSON[2] + _BOTTOM + _VALUES + 2, _COARSE)
        self.coarse_flow = silent(nn.Conv2d(_COARSE, 3, 3, 1, 1))
        self.coarse_up = nn.Conv2d(_COARSE, _PERSON[1], 1)
        self.middle = Level(2 * _PERSON[1] + _GARMENT[1] + 4, _MIDDLE)
        self.middle_flow = silent(nn.Conv2d(_MIDDLE, 2, 3, 1, 1))
        self.middle_up = nn.Conv2d(_MIDDLE, _PERSON[0], 1)
        self.fine = Level(2 * _PERSON[0] + _GARMENT[0] + 4, FEATURES)
        self.fine_flow = silent(nn.Conv2d(FEATURES, 2, 3, 1, 1))
        self.region = silent(nn.Conv2d(FEATURES, 4, 3, 1, 1))

    def forward(self, geometry: Tensor, garment: Tensor) -> Flow:
        person_48, person_24, person_12, person_6 = _levels(self.person, geometry)
        garment_48, garment_24, garment_12, garment_6 = _levels(self.garment, garment_cells(garment))
        summary = garment_6.mean((2, 3), keepdim=True).expand_as(garment_6)
        bottom = self.bottom(torch.cat([person_6, garment_6, summary], 1))
        context = torch.cat([person_12, enlarged(bottom, person_12.shape[2:])], 1)

        expected, values = self.attention(context, garment_12)
        coarse = self.coarse(torch.cat([context, values, expected.to(values.dtype)], 1))
        correction = self.coarse_flow(coarse).float()
        prior = enlarged_down(geometry[:, _PRIOR].float(), expected.shape[2:])
        trust = torch.sigmoid(correction[:, 2:] - 2)
        flow_12 = prior + correction[:, :2] + trust * (expected - prior)

        middle = self.middle(_corrected(person_24, self.coarse_up(coarse), garment_24, flow_12))
        flow_24 = enlarged(flow_12, person_24.shape[2:]) + self.middle_flow(middle).float()
        fine = self.fine(_corrected(person_48, self.middle_up(middle), garment_48, flow_24))
        flow_48 = enlarged(flow_24, person_48.shape[2:]) + self.fine_flow(fine).float()
        logits = F.pixel_shuffle(self.region(fine).float(), 2)
        return Flow((flow_12, flow_24, flow_48), logits, fine)


class Attention(nn.Module):
    """Every place of the person asks all places of the garment: where is it, and what is there?"""

    def __init__(self, queries: int, keys: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(queries, _KEYS, 1)
        self.key = nn.Conv2d(keys + 2, _KEYS, 1)
        self.value = nn.Conv2d(keys, _VALUES, 1)
        self.scale = nn.Parameter(torch.tensor(_KEYS**-0.5))

    def forward(self, person: Tensor, garment: Tensor) -> tuple[Tensor, Tensor]:
        """The expected place, (B, 2, h, w), and values, (B, _VALUES, h, w)."""
        size = person.shape[2:]
        places = identity(garment.shape[2], garment.shape[3], garment.device)
        keys = self.key(torch.cat([garment, places.to(garment.dtype).expand(garment.shape[0], -1, -1, -1)], 1))
        weights = self.query(person).flatten(2).transpose(1, 2) @ keys.flatten(2)  # (B, places, keys)
        weights = torch.softmax(weights.float() * self.scale, -1)
        expected = weights @ places.flatten(2).transpose(1, 2).expand(garment.shape[0], -1, -1)
        value = self.value(garment).flatten(2).transpose(1, 2)
        found = weights.to(value.dtype) @ value
        return expected.transpose(1, 2).reshape(-1, 2, *size), found.transpose(1, 2).reshape(-1, _VALUES, *size)


def enlarged_down(plane: Tensor, size: torch.Size) -> Tensor:
    """Means over cells, to (h, w)."""
    return F.avg_pool2d(plane, plane.shape[2] // size[0])


def _encoder(channels: int, levels: tuple[int, ...]) -> nn.ModuleList:
    first = ConvBlock(channels, levels[0])
    return nn.ModuleList([first, *(Level(a, b, 2) for a, b in pairwise(levels))])


def _levels(encoder: nn.ModuleList, features: Tensor) -> list[Tensor]:
    found = []
    for level in encoder:
        features = level(features)
        found.append(features)
    return found


def _corrected(person: Tensor, coarser: Tensor, garment: Tensor, flow: Tensor) -> Tensor:
    """What a level knows: the person, what the coarser level found, and the garment as seen through its flow."""
    size = person.shape[2:]
    flow = enlarged(flow, size)
    moved = flow - identity(size[0], size[1], flow.device)
    seen = sampled(garment, flow.detach())
    planes = [person, enlarged(coarser, size), seen.to(person.dtype), flow.to(person.dtype), moved.to(person.dtype)]
    return torch.cat(planes, 1)
