"""What waits for the device: calls, and the accounts of the jobs they belong to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from model.runtime.forward_cost import ForwardCost


@dataclass(eq=False)
class Account:
    """What one live job holds and has used."""

    engine: str
    resident_bytes: int
    admitted: asyncio.Future[None]
    device_s: float = 0.0
    since: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class Call:
    """One piece of device work somebody waits for. Calls of equal `kind` may share a forward."""

    account: Account
    kind: Hashable | None
    rows: int
    run: Callable[[list[Call]], list[Any]]
    answer: asyncio.Future[Any]
    tensors: tuple[Tensor, ...] = ()
    content: Hashable | None = None  # a name for what is in the tensors: of equal kind and content, one answer
    run_lean: Callable[[list[Call]], list[Any]] | None = None  # the same in less memory, and not to the last bit
    on_lean: Callable[[], None] = lambda: None
    cost: ForwardCost | None = None

    @property
    def input_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors)
