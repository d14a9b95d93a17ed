"""Modules behind the device's queue, and how calls of one module become one forward."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from model.runtime.call import Call
from model.runtime.errors import is_out_of_memory
from model.runtime.forward_cost import ForwardCost
from model.runtime.prepared import PreparedNetwork, Rows, batch_sizes

if TYPE_CHECKING:
    from model.runtime.device import Device


class BatchedNetwork:
    """A module behind the device's queue: `await network(*tensors, key=...)`.

    Every tensor's first axis counts rows, and the module treats rows independently. Calls of equal module, key,
    dtypes and shapes but the first axis may share a forward, so whatever else changes the computation belongs in
    `key`. Returns what the module returns: a tensor, or a tuple of tensors, with the same rows.

    `content` may name what is in the tensors. Of calls that want the same at the same time one is computed, and all get
    its answer, which none of them may write to; each keeps its place, should the others be cancelled or fail.

    `on_fallback` is told when memory is so short that the module's fallback, if there is one, computes this call.
    `on_answer` is told the answer before those who wait for it, also if they were cancelled meanwhile: a cache that
    is filled there has all that was computed.
    """

    def __init__(self, device: Device, module: nn.Module, atom: int, fallback: nn.Module | None) -> None:
        self.module = module
        self._device = device
        self._atom = atom
        self._fallback = fallback
        self.cost = ForwardCost(device.torch_device)

    async def __call__(
        self,
        *tensors: Tensor,
        key: Hashable = (),
        content: Hashable | None = None,
        on_fallback: Callable[[], None] = lambda: None,
        on_answer: Callable[[Any], None] = lambda answer: None,
    ) -> Any:
        rows = tensors[0].shape[0]
        if rows % self._atom or any(tensor.shape[0] != rows for tensor in tensors):
            shapes = [tuple(tensor.shape) for tensor in tensors]
            raise ValueError(f"each tensor needs the same whole number of {self._atom} rows, got {shapes}")
        kind = (id(self.module), key, tuple((tensor.dtype, tensor.shape[1:]) for tensor in tensors))
        run_fallback = None if self._fallback is None else partial(self._joined, self._fallback)
        call = Call(
            kind,
            rows,
            self._run,
            tensors=tensors,
            content=content,
            cost=self.cost,
            run_fallback=run_fallback,
            on_fallback=on_fallback,
            on_answer=on_answer,
        )
        return await self._device.submit(call)

    def prepare(self, *tensors: Tensor) -> Iterator[int]:
        """Get ready for calls like this one, see `Device.at_start`; yields the rows of each forward that is done."""
        rows = len(tensors[0])
        if isinstance(self.module, PreparedNetwork):
            batches = batch_sizes(self._atom, max(self._device.config.rows_at_once, rows))
            yield from self.module.prepare(*tensors, batches=batches)
        else:
            self.module(*tensors)
            yield rows

    def _run(self, calls: list[Call]) -> list[Rows]:
        if self._device.offload is not None:
            self._device.offload.load(self.module)  # weights are no cost of a forward
        run = partial(self._joined, self.module, calls)
        return self.cost.measured(sum(call.input_bytes for call in calls), run)

    def _joined(self, module: nn.Module, calls: list[Call]) -> list[Rows]:
        if len(calls) == 1:
            return [self._forward(module, calls[0].tensors)]
        joined = tuple(torch.cat(column) for column in zip(*(call.tensors for call in calls), strict=True))
        return split_rows(self._forward(module, joined), [call.rows for call in calls])

    def _forward(self, module: nn.Module, tensors: tuple[Tensor, ...]) -> Rows:
        """One forward; when memory runs out, two of half the atoms each, and so on down to single atoms."""
        rows = tensors[0].shape[0]
        try:
            output: Rows = module(*tensors)
            return output
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or rows == self._atom:
                raise
        self._device.empty_cache()
        half = rows // self._atom // 2 * self._atom
        first = self._forward(module, tuple(tensor[:half] for tensor in tensors))
        return join_rows(first, self._forward(module, tuple(tensor[half:] for tensor in tensors)))


def split_rows(output: Rows, rows: list[int]) -> list[Rows]:
    """The inverse of joining calls: consecutive slices of `rows` along the first axis."""
    if isinstance(output, Tensor):
        return list(torch.split(output, rows))
    return list(zip(*(torch.split(tensor, rows) for tensor in output), strict=True))


def join_rows(first: Rows, second: Rows) -> Rows:
    """Put two outputs of one module together along the first axis."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second])
    return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))
