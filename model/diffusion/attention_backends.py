"""Which kernel attends: the first in a fixed order that takes the shape, and never one that holds all scores.

torch chooses among its kernels too, but its order changes from release to release and ends with "math", which writes
the score matrix out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module, util
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.backends.cuda import (
    SDPAParams,
    can_use_cudnn_attention,
    can_use_efficient_attention,
    can_use_flash_attention,
)
from torch.nn.attention import SDPBackend, sdpa_kernel

from model.diffusion.attention_slices import attend_in_slices

# Query (B, heads, N, d), key and value (B, heads, M, d) -> (B, heads, N, d).
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
Kernel = Literal["cudnn", "flash", "efficient", "xformers"]

# From this compute capability on -> what is tried, in this order. On the GPU the orders follow published advice (flash
# attention needs 8.0, cuDNN's is best on 9.0 and later, float32 and odd widths are left to "efficient") and wait for a
# measurement: `python -m bench.attention --device cuda` times every kernel at the engines' own shapes and leaves
# bench/results/attention_cuda.md. The CPU has one kernel: bench/results/attention_cpu.md.
_ORDERS: dict[tuple[int, int], tuple[Kernel, ...]] = {
    (9, 0): ("cudnn", "flash", "efficient", "xformers"),
    (8, 0): ("flash", "efficient", "xformers"),
    (0, 0): ("efficient", "xformers"),
}
_OF_TORCH: dict[Kernel, tuple[SDPBackend, Callable[[SDPAParams], bool]]] = {
    "cudnn": (SDPBackend.CUDNN_ATTENTION, can_use_cudnn_attention),
    "flash": (SDPBackend.FLASH_ATTENTION, can_use_flash_attention),
    "efficient": (SDPBackend.EFFICIENT_ATTENTION, can_use_efficient_attention),
}


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v by the best kernel there is, and in slices if none takes it.

    Args:
        query: (B, heads, N, d).
        key, value: (B, heads, M, d).

    Returns:
        (B, heads, N, d).
    """
    if query.device.type != "cuda":
        return F.scaled_dot_product_attention(query, key, value)
    if torch.compiler.is_compiling():  # a compiler cannot ask a kernel whether it takes a shape
        with sdpa_kernel([backend for backend, _ in _OF_TORCH.values()]):
            return F.scaled_dot_product_attention(query, key, value)
    for kernel in order(torch.cuda.get_device_capability(query.device)):
        if takes(kernel, query, key, value):
            return attend_by(kernel)(query, key, value)
    return attend_in_slices(query, key, value)


def order(capability: tuple[int, int]) -> tuple[Kernel, ...]:
    """What is tried on a GPU of this compute capability, best first."""
    return next(kernels for least, kernels in _ORDERS.items() if capability >= least)


def takes(kernel: Kernel, query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether `kernel` is there and has a form for tensors like these."""
    if kernel == "xformers":
        return util.find_spec("xformers") is not None
    _, asked = _OF_TORCH[kernel]
    return asked(SDPAParams(query, key, value, None, 0.0, False, False))


def attend_by(kernel: Kernel) -> Attend:
    """The kernel of that name; it raises RuntimeError for what it does not take."""
    return _by_xformers if kernel == "xformers" else partial(_by_torch, _OF_TORCH[kernel][0])


def describe(torch_device: torch.device) -> str:
    """What attends on this device, for people."""
    if torch_device.type != "cuda":
        return "flash"
    tried = order(torch.cuda.get_device_capability(torch_device))
    return ", ".join(kernel for kernel in tried if kernel != "xformers" or util.find_spec("xformers"))


def _by_torch(backend: SDPBackend, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    with sdpa_kernel(backend):
        return F.scaled_dot_product_attention(query, key, value)


def _by_xformers(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    operators = import_module("xformers.ops")
    heads_last = (tensor.transpose(1, 2) for tensor in (query, key, value))  # (B, N, heads, d)
    attended: Tensor = operators.memory_efficient_attention(*heads_last)
    return attended.transpose(1, 2)
