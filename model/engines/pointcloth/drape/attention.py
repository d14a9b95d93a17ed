"""One head of a block: points offer values to a lattice, a convolution mixes neighbours, and points take back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.engines.pointcloth.drape.lattice import corners, in_cells, seen_from
from model.engines.pointcloth.drape.layers import PointwiseConv
from model.engines.pointcloth.drape.norm import AdaIN
from model.engines.pointcloth.drape.products import convolved
from model.engines.pointcloth.drape.splatting import max_splat, sliced

KEY = 3  # channels


class LatticeAttention(nn.Module):
    """Points see each other through a lattice of `size` cells an axis, of two or three `dimensions`."""

    def __init__(self, width: int, features: int, style: int, dimensions: int, size: int) -> None:
        super().__init__()
        self.size, self.dimensions, self.features = size, dimensions, features
        self.scale = nn.Parameter(torch.zeros(()))
        self.keys_values_pred = nn.ModuleList([PointwiseConv(width, features + KEY)])
        self.values_bn = nn.ModuleList([AdaIN(style, features)])
        self.keys_bn = nn.ModuleList([AdaIN(style, KEY)])
        self.transform = _Transform(dimensions)
        self.diff_poss, self.splat, self.slice = (_LatticeSize(dimensions, size) for _ in range(3))
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.conv = nn.ModuleList([convolution(features, features, 3, padding=1)])
        self.after = nn.ModuleList([AdaIN(style, features, rectified=True)])

    def forward(self, x: Tensor, style: Tensor, points: Tensor, shares: Tensor | None = None) -> Tensor:
        """(B, N, F). x: (B, N, width). style: (B, S). points: (B, N, 3), those of the body. shares: see `AdaIN`."""
        keys, values = self.keys_values_pred[0](x).split([KEY, self.features], -1)
        keys = self.keys_bn[0](keys, style, shares)
        values = self.values_bn[0](values, style, shares)
        around = corners(in_cells(self.transform(points + self.scale * keys).tanh(), self.size), self.size)
        lattice = max_splat(values, around, self.size**self.dimensions)
        mixed = self._convolved(lattice)
        out: Tensor = self.after[0](sliced(mixed, around), style, shares)
        return out

    def _convolved(self, lattice: Tensor) -> Tensor:
        sides = [self.size] * self.dimensions
        planes = lattice.reshape(len(lattice), *sides, self.features).movedim(-1, 1)  # a cell's values stay together
        convolution = self.conv[0]
        mixed = convolved(planes, convolution.get_parameter("weight"), convolution.get_parameter("bias"))
        return mixed.movedim(1, -1).flatten(1, -2)


class _Transform(nn.Module):
    """From which side a head sees the points: a shift, a turn and scales, which are learned."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.log_R = nn.Parameter(torch.zeros(1, 3))
        self.shift = nn.Parameter(torch.zeros(1, 3))
        self.scales = nn.Parameter(torch.ones(1, dimensions))

    def forward(self, points: Tensor) -> Tensor:
        return seen_from(points, self.log_R[0], self.shift[0], self.scales[0])


class _LatticeSize(nn.Module):
    """The lattice's size as a buffer. Nothing reads it; published files have it, three times in each head."""

    tensor_mod: Tensor

    def __init__(self, dimensions: int, size: int) -> None:
        super().__init__()
        self.register_buffer("tensor_mod", torch.full((1, dimensions, 1), float(size)))
