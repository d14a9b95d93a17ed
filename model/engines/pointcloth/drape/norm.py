"""Adaptive instance normalisation (Huang and Belongie 2017) over points, in few passes over memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

_EPSILON = 1e-5


class AdaIN(nn.Module):
    """Each channel's mean over the points becomes 0 and its variance 1; then a style, (B, S), scales and shifts it.

    `shares`, (1, N), say how much each point counts; together 1. Without them all count the same. With `rectified` what
    is negative then becomes 0.
    """

    def __init__(self, style: int, channels: int, *, rectified: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(style, 2 * channels)
        self.rectified = rectified

    def forward(self, x: Tensor, style: Tensor, shares: Tensor | None = None) -> Tensor:
        gain, bias = self.linear(style)[:, None].chunk(2, -1)
        if shares is None:
            shares = x.new_full((1, x.shape[1]), 1 / x.shape[1])
        normed: Tensor = _Normed.apply(x, 1 + gain, bias, shares, self.rectified)  # type: ignore[no-untyped-call]
        return normed


class _Normed(Function):
    """x (B, N, C), gain and bias (B, 1, C), shares (1, N)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, shares: Tensor, rectified: bool) -> Tensor:
        unit = x - shares @ x
        scale = (shares @ unit.square() + _EPSILON).rsqrt()
        unit *= scale
        ctx.save_for_backward(unit, scale, gain, bias, shares)
        ctx.rectified = rectified
        out = torch.addcmul(bias, unit, gain)
        return out.relu_() if rectified else out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        unit, scale, gain, bias, shares = ctx.saved_tensors
        given = gradients[0]
        if ctx.rectified:
            given = given * (torch.addcmul(bias, unit, gain) > 0)
        ones = torch.ones_like(shares)
        of_bias, of_gain = ones @ given, ones @ (given * unit)
        # What a point adds to the mean and the variance it is measured by.
        shared = torch.addcmul(of_bias, unit, of_gain).mul_(shares.mT)
        return (given - shared).mul_(scale * gain), of_gain, of_bias, None, None
