"""Forwards recorded as CUDA graphs: thousands of kernels that the host starts as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from model.runtime.prepared import Forward, Rows

# For what libraries choose and allocate at first, which must not be recorded; as many as
# `torch.cuda.make_graphed_callables` makes.
_WARM_UPS = 3


class Graphs:
    """Records forwards on one GPU, all in one pool of memory.

    They may share it because they never run at the same time and no output is read after the next has begun
    (`Recorded` copies it); each keeps its own output.
    """

    def __init__(self, torch_device: torch.device) -> None:
        self._torch_device = torch_device

    @cached_property
    def _pool(self) -> Any:
        return torch.cuda.graph_pool_handle()

    def __call__(self, forward: Forward, inputs: Sequence[Tensor]) -> Callable[[], Rows]:
        """Record `forward(*inputs)`; what is returned repeats it on what the inputs hold by then."""
        with torch.cuda.device(self._torch_device):
            side_stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side_stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side_stream):
                for _ in range(_WARM_UPS):
                    forward(*inputs)
            torch.cuda.current_stream().wait_stream(side_stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                output = forward(*inputs)

        def repeat() -> Rows:
            graph.replay()
            return output

        return repeat
