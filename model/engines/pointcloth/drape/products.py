"""Products with frozen weights by oneDNN, where torch itself would choose something slower.

On one thread torch convolves a single volume by a plain loop, and multiplies matrices by MKL, which on AMD processors
is half as fast as oneDNN. A matrix product is a convolution of kernel size 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import conv2d, conv3d, linear

_CONVOLUTIONS = {2: conv2d, 3: conv3d}


def multiplied(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(..., out): x, (..., in), by a weight, (out, in)."""
    if not by_onednn(x, weight):
        return linear(x, weight, bias)
    rows = x.reshape(1, -1, 1, x.shape[-1])
    planes = _convolved(rows.permute(0, 3, 1, 2), weight[:, :, None, None], bias)
    return planes.permute(0, 2, 3, 1).reshape(*x.shape[:-1], len(weight))


def convolved(lattice: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A lattice of two or three dimensions, (B, in, S, S[, S]), with a kernel whose sides are odd."""
    dimensions = lattice.ndim - 2
    if not by_onednn(lattice, weight):
        return _CONVOLUTIONS[dimensions](lattice, weight, bias, padding=weight.shape[-1] // 2)
    return _convolved(lattice, weight, bias)


def by_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether it is there, and nobody learns the weight."""
    kind = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
    return kind and not weight.requires_grad and torch._C._has_mkldnn


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = _Convolved.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return product


class _Convolved(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return _onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        [weight] = ctx.saved_tensors
        mirrored = weight.transpose(0, 1).flip(tuple(range(2, weight.ndim)))
        return _onednn(gradients[0], mirrored, None), None, None


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    ones = [1] * (weight.ndim - 2)
    padding = [side // 2 for side in weight.shape[2:]]
    product: Tensor = torch.mkldnn_convolution(x, weight, bias, padding, ones, ones, 1)
    return product
