"""What a forward allocates: counted while it runs, on tensors with memory or without, or asked of CUDA's allocator."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_bytes(forward: Callable[..., object], *inputs: Tensor) -> int:
    """The most bytes that `forward` holds at once beside its inputs and weights, its result included.

    Args:
        inputs: on the meta device, as everything that `forward` reads.
    """
    allocations = CountedAllocations()
    with torch.no_grad(), allocations, _FusedAttention():
        forward(*inputs)
    return allocations.peak


@contextmanager
def gauge(torch_device: torch.device) -> Iterator[CountedAllocations | AllocatorPeak]:
    """Around a forward: its `peak` is then the most bytes it held at once beside its inputs and weights.

    What is compiled runs uncompiled where operators are counted: it has none to be seen.
    """
    if torch_device.type == "cuda":
        with AllocatorPeak(torch_device) as allocated:
            yield allocated
    else:
        compiling = "torch._dynamo" in sys.modules  # a large import, which compiling begins with
        with torch.compiler.set_stance("force_eager") if compiling else nullcontext(), CountedAllocations() as counted:
            yield counted


class AllocatorPeak:
    """What CUDA's allocator has given at most beyond what it had given before, workspaces of kernels included."""

    def __init__(self, torch_device: torch.device) -> None:
        self.peak = 0
        self._device = torch_device

    def __enter__(self) -> Self:
        torch.cuda.reset_peak_memory_stats(self._device)
        self._before = torch.cuda.memory_allocated(self._device)
        return self

    def __exit__(self, *exception: object) -> None:
        self.peak = torch.cuda.max_memory_allocated(self._device) - self._before


class CountedAllocations(TorchDispatchMode):
    """Adds what operators return, and subtracts it when nobody holds it any more."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._held = 0
        self._known: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Or torch would import its compiler at the first forward, which takes more than a second."""
        return False

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        before = {tensor.untyped_storage()._cdata for tensor in _tensors((args, kwargs))}
        result = function(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            storage = tensor.untyped_storage()
            if storage._cdata not in before and storage._cdata not in self._known:
                self._hold(storage)
        if function is torch.ops.aten.convolution.default:
            self.peak = max(self.peak, self._held + _blocked_bytes(args[0], result))
        return result

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()

        def let_go(reference: object) -> None:
            self._held -= size
            del self._known[key]

        self._known[key] = weakref.ref(storage, let_go)
        self._held += size
        self.peak = max(self.peak, self._held)


def _blocked_bytes(taken: Tensor, result: Tensor) -> int:
    """What a convolution on the CPU holds beside its result: the larger of both sides in its kernels' own layout.

    With channels last it needs no such copies.
    """
    if result.device.type != "cpu" or result.is_contiguous(memory_format=torch.channels_last):
        return 0
    return max(taken.nbytes, result.nbytes)


class _FusedAttention(TorchFunctionMode):
    """Attention as a fused kernel holds it: its output, and a float32 number for each query and head."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        if function is not F.scaled_dot_product_attention:
            return function(*args, **(kwargs or {}))
        query, value = args[0], args[2]
        normaliser = torch.empty(query.shape[:-1], device=query.device)
        attended = torch.empty((*query.shape[:-1], value.shape[-1]), dtype=query.dtype, device=query.device)
        del normaliser
        return attended


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
