"""What waits for the device: calls, and the accounts of the jobs they belong to. No torch in here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(eq=False)
class Account:
    """What one job holds while it is live, and has used."""

    engine: str
    resident_bytes: int
    device_s: float = 0.0
    since: float = 0.0  # when it came, by the scheduler's clock
    admitted: asyncio.Event = field(default_factory=asyncio.Event)  # set: it is live


current_account: ContextVar[Account] = ContextVar("current_account")


class Cost(Protocol):
    """What a forward is expected to hold: see `ForwardCost`."""

    @property
    def known(self) -> bool: ...

    def of(self, input_bytes: int) -> int: ...


@dataclass(eq=False)
class Call:
    """One piece of device work that somebody waits for. Calls of equal `kind` may share a forward.

    Args:
        kind: None: shared with no other.
        rows: how much of a forward it is.
        run: computes calls together, on the device's thread: one result for each.
        tensors: its inputs.
        content: a name for what is in the tensors: of equal kind and content, one answer.
        cost: of forwards of this kind.
        run_fallback: the same in less memory, and not to the last bit.
        on_fallback: told when that had to be used.
        on_answer: told what came out, also if it was cancelled while it was computed.
        account: of the job that asks.
        answer: what it waits for; done before there is a result: it was cancelled.
    """

    kind: Hashable | None
    rows: int
    run: Callable[[list[Call]], list[Any]]
    tensors: tuple[Tensor, ...] = ()
    content: Hashable | None = None
    cost: Cost | None = None
    run_fallback: Callable[[list[Call]], list[Any]] | None = None
    on_fallback: Callable[[], None] = lambda: None
    on_answer: Callable[[Any], object] = lambda answer: None
    account: Account = field(default_factory=current_account.get)
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def input_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors)
