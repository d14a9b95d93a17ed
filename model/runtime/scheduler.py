"""Which jobs are live, and which calls the device computes next. Decisions only: no torch, no thread, no waiting.

A job goes live when there is a place for it and its memory fits half of what there is; it then may call networks. Of
the pending calls, the engine with the least weighted device time is served: its oldest call, and every call that may
share a forward with it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from model.runtime.call import Account, Call
from model.runtime.device_config import DeviceConfig


class Memory(Protocol):
    """What is free beside the weights. It is asked for when the first job comes, and not before."""

    @property
    def total_bytes(self) -> int:
        """What live jobs and a forward may hold together."""

    @property
    def job_bytes(self) -> int:
        """What live jobs may hold together."""


class FairShares:
    """Whose turn it is, by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996).

    Each engine has a clock of the device seconds it was given, divided by its weight; the one that is behind is next.
    One that was idle starts at the clock of the engine served last: nobody saves up a claim.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._clocks: dict[str, float] = {}
        self._virtual_time = 0.0  # the clock of the engine served last

    def returns(self, engine: str) -> None:
        """An engine that wanted nothing wants something."""
        self._clocks[engine] = max(self._clocks.get(engine, 0.0), self._virtual_time)

    def choose(self, engines: Iterable[str]) -> str:
        """Which of these is served next; of equal ones, the first by name."""
        chosen = min(set(engines), key=lambda engine: (self._clocks[engine], engine))
        self._virtual_time = self._clocks[chosen]
        return chosen

    def charge(self, engine: str, device_s: float) -> None:
        """It was given so many seconds."""
        self._clocks[engine] += device_s / self._weights.get(engine, 1.0)


class Scheduler:
    """The jobs and calls of one device, from their arrival until they leave or are computed.

    Args:
        now: a clock in seconds, for the patience of jobs that do not fit.
    """

    def __init__(self, config: DeviceConfig, memory: Memory, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._memory = memory
        self._now = now
        self._shares = FairShares(config.shares)
        self._waiting: deque[Account] = deque()  # jobs that are not live yet, oldest first
        self._live: list[Account] = []
        self._pending: list[Call] = []  # oldest first
        self._parked: list[Call] = []  # ran out of memory beside other jobs; wait for one of those to end

    # -- jobs -----------------------------------------------------------------------------------------------

    @property
    def live_jobs(self) -> Sequence[Account]:
        """In the order in which they went live."""
        return self._live

    def arrive(self, account: Account) -> None:
        """A job wants to be live. Its `admitted` is set as soon as it is."""
        account.since = self._now()
        self._waiting.append(account)
        self._admit()

    def leave(self, account: Account) -> None:
        """A job has ended, or does not want to wait any longer; parked calls get another chance."""
        if account in self._live:
            self._live.remove(account)
        else:
            self._waiting.remove(account)
        self._admit()
        self._pending += self._parked
        self._parked = []

    def _admit(self) -> None:
        """Jobs of one engine go live in the order they came. Those of another may pass one that does not fit.

        But not for longer than `patience_s`: then nobody passes, and room comes free.
        """
        # Engines whose oldest waiting job cannot be live yet.
        held_back = {account.engine for account in self._live} if self._config.batching == "requests" else set[str]()
        for account in list(self._waiting):
            if account.engine in held_back:
                continue
            if self._has_place(account) and self._fits(account):
                self._waiting.remove(account)
                self._live.append(account)
                account.admitted.set()
            elif self._has_place(account) and self._now() - account.since > self._config.patience_s:
                return
            else:
                held_back.add(account.engine)

    def _has_place(self, account: Account) -> bool:
        if self._config.memory_profile == "low":
            return not self._live
        return sum(other.engine == account.engine for other in self._live) < self._config.jobs_at_once

    def _fits(self, account: Account) -> bool:
        """One job may always be live, however large."""
        fits = self._held_bytes() + account.resident_bytes <= self._memory.job_bytes
        return fits or not self._live

    def _held_bytes(self) -> int:
        caches = self._config.latent_cache_bytes + self._config.garment_cache_bytes
        return sum(account.resident_bytes for account in self._live) + caches

    # -- calls ----------------------------------------------------------------------------------------------

    def add(self, call: Call) -> None:
        """A live job wants something computed."""
        if all(other.account.engine != call.account.engine for other in self._pending):
            self._shares.returns(call.account.engine)
        self._pending.append(call)

    def next_group(self) -> list[Call]:
        """Take the calls of the next forward from the queue; none: nobody wants one."""
        self._pending = [call for call in self._pending if not call.answer.done()]  # done: cancelled
        if not self._pending:
            return []
        engine = self._shares.choose(call.account.engine for call in self._pending)
        group = self._joined(next(call for call in self._pending if call.account.engine == engine))
        self._pending = [call for call in self._pending if call not in group]
        return group

    def _joined(self, lead: Call) -> list[Call]:
        """`lead`, and of all calls that may share its forward as many as rows and memory allow, the oldest first."""
        group, rows, contents = [lead], lead.rows, {lead.content}
        for call in self._pending:
            asked = call.content is not None and call.content in contents  # it gets that one's answer
            if call is lead or asked or not self._may_join(call, group):
                continue
            if rows + call.rows <= self._config.rows_at_once:
                group.append(call)
                rows += call.rows
                contents.add(call.content)
        return group

    def _may_join(self, call: Call, group: list[Call]) -> bool:
        """Whether `call` is of the group's kind and what they hold together fits beside what live jobs hold.

        Before a network's first forward nobody knows what it holds: only calls of one job share that.
        """
        lead = group[0]
        if call.kind is None or call.kind != lead.kind or lead.cost is None:
            return False
        if not lead.cost.known:
            return call.account is lead.account
        together = lead.cost.of(sum(one.input_bytes for one in (*group, call)))
        return self._held_bytes() + together <= self._memory.total_bytes

    def same_answer(self, call: Call) -> list[Call]:
        """The pending calls that want just what `call` wanted."""
        if call.content is None:
            return []
        return [other for other in self._pending if (other.kind, other.content) == (call.kind, call.content)]

    def book(self, group: list[Call], elapsed_s: float) -> None:
        """The group's forward took so long: its jobs and engines are charged by their rows."""
        rows = sum(call.rows for call in group)
        for call in group:
            device_s = elapsed_s * call.rows / rows
            call.account.device_s += device_s
            self._shares.charge(call.account.engine, device_s)

    def park(self, call: Call) -> list[Call]:
        """Set a call aside that ran out of memory, until some live job ends.

        Returns:
            If all live jobs wait so, the calls of the youngest: it has to give way. Else none.
        """
        self._parked.append(call)
        waiting = [parked for parked in self._parked if not parked.answer.done()]
        if {parked.account for parked in waiting} != set(self._live):
            return []
        return [parked for parked in waiting if parked.account is self._live[-1]]
