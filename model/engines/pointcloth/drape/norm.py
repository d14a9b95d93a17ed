"""Adaptive instance normalisation (Huang and Belongie 2017) over points, in few passes over memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from model.engines.pointcloth.drape.cache import in_cache

_EPSILON = 1e-5  # added to variances, as published
threshold_backward = torch.ops.aten.threshold_backward


class AdaIN(nn.Module):
    """Each channel's mean over the points becomes 0 and its variance 1; then a style, (B, S), scales and shifts it.

    `shares`, (1, N), say how much each point counts; together 1. Without them all count the same. With `rectified` what
    is negative then becomes 0.
    """

    def __init__(self, style: int, channels: int, *, rectified: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(style, 2 * channels)
        self.rectified = rectified

    def forward(self, x: Tensor, style: Tensor, shares: Tensor | None = None, onto: Tensor | None = None) -> Tensor:
        """(B, N, C): x, of the same shape, normalised, and added to `onto` if that is given."""
        gain, bias = self.linear(style)[:, None].chunk(2, -1)
        if shares is None:
            shares = x.new_full((1, x.shape[1]), 1 / x.shape[1])
        normed: Tensor = _Normed.apply(x, 1 + gain, bias, shares, self.rectified, onto)  # type: ignore[no-untyped-call]
        return normed


class _Normed(Function):
    """x and onto (B, N, C), gain and bias (B, 1, C), shares (1, N)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gain: Tensor, bias: Tensor, shares: Tensor, rectified: bool, onto: Tensor | None
    ) -> Tensor:
        mean, scale = _statistics(x, shares)
        ctx.save_for_backward(x, mean, scale, gain, bias, shares)
        ctx.rectified = rectified
        out, slope = torch.empty_like(x), scale * gain
        for rows in in_cache(x):
            part = torch.addcmul(bias, x[:, rows] - mean, slope, out=out[:, rows])
            if rectified:
                part.relu_()
            if onto is not None:
                part += onto[:, rows]
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, Tensor | None]:
        x, mean, scale, gain, bias, shares = ctx.saved_tensors
        [given] = gradients
        of_x, of_gain, of_bias = torch.empty_like(x), torch.zeros_like(gain), torch.zeros_like(bias)
        for rows in in_cache(x):
            unit, part = (x[:, rows] - mean).mul_(scale), given[:, rows]
            if ctx.rectified:
                part = threshold_backward(part, torch.addcmul(bias, unit, gain), 0)
            of_bias += part.sum(1, keepdim=True)
            of_gain += torch.mul(unit, part, out=unit).sum(1, keepdim=True)
            of_x[:, rows] = part
        slope, share_of = scale * gain, shares.mT
        for rows in in_cache(x):
            # What a point adds to the mean and the variance it is measured by.
            shared = torch.addcmul(of_bias, (x[:, rows] - mean).mul_(scale), of_gain).mul_(share_of[rows])
            of_x[:, rows].sub_(shared).mul_(slope)
        return of_x, of_gain, of_bias, None, None, given if ctx.needs_input_grad[5] else None


def _statistics(x: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Each channel's mean and the inverse of its spread, (B, 1, C)."""
    mean = shares @ x
    variance = torch.zeros_like(mean)
    for rows in in_cache(x):
        variance += shares[:, rows] @ (x[:, rows] - mean).square_()
    return mean, (variance + _EPSILON).rsqrt()
