"""Layers that take points first: (B, N, C)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.engines.pointcloth.drape.products import multiplied


class PointwiseConv(nn.Module):
    """A convolution over points of kernel size 1; its weight has the convolution's shape, (out, in, 1)."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 1))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        if not self.weight.is_meta:
            nn.init.kaiming_uniform_(self.weight, a=5**0.5)
            if self.bias is not None:
                nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return multiplied(x, self.weight[..., 0], self.bias)
