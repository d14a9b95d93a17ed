"""The workers: one process per GPU, restarted when they die, and the jobs dealt out to them.

    waiting --(a slot has room)--> in a slot --(memory fits)--> live --> ended
       ^                              |                           |
       '-- its worker died, not live -'                           '-- died while live --> suspects

A suspect runs again in a slot of its own. If its worker dies then too, the job is at fault.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from container.pace import Pace
from container.worker_process import WorkerProcess
from model.engine import OnProgress
from model.request import Request
from serve.errors import WorkerLost, from_engine
from serve.metrics import Metrics

_FIRST_RESTART_S, _LAST_RESTART_S = 0.5, 30.0
_HEALTHY_S = 60.0  # a worker that was ready this long restarts without delay
_STALL_TIMES_SLOWEST = 10
_DEATHS_ALONE, _DEATHS_IN_COMPANY = 2, 5
_WATCH_S = 0.5

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Ticket:
    """A job while a worker owes its result. `name` is its directory in the spool."""

    name: str
    request: Request
    on_progress: OnProgress
    ended: asyncio.Future[None]
    waiting_since: float = field(default_factory=time.monotonic)
    queue_s: float = 0.0
    live: bool = False
    cancelled: bool = False
    left: float = 1.0  # share of the work still to do
    deaths_alone: int = 0
    deaths_in_company: int = 0

    @property
    def engine(self) -> str:
        return self.request.engine

    @property
    def work(self) -> float:
        return self.request.work()


@dataclass(eq=False)
class Slot:
    """A place for one worker, through all its restarts."""

    index: int
    process: WorkerProcess | None = None
    tickets: dict[str, Ticket] = field(default_factory=dict)
    solo: bool = False  # runs a suspect, alone
    forwards: int = 0
    slowest_s: float = 0.0
    moved: float = 0.0  # when a forward was last seen to finish, or there was nothing to do
    rows: dict[str, int] = field(default_factory=dict)
    ready_since: float | None = None


class GaveUp(Exception):  # noqa: N818 - ends the process, is never handled as an error
    """There is no use in going on. `exit_code` is what the front should leave with."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class Supervisor:
    """Keeps `count` workers alive and deals jobs to them, oldest first."""

    def __init__(
        self,
        command: Sequence[str],
        environments: Sequence[Mapping[str, str]],
        *,
        spool_dir: Path,
        jobs_per_worker: int,
        stall_s: float,
        metrics: Metrics,
    ) -> None:
        self.models: dict[str, Any] = {}  # what the first ready worker said of its engines
        self.device: dict[str, Any] = {}
        self.backends: dict[str, Any] = {}
        self.none_ready_since: float | None = None  # None: some worker is ready, or none has been yet
        self.gave_up: asyncio.Future[GaveUp] = asyncio.get_running_loop().create_future()
        self._command = command
        self._environments = environments
        self._spool_dir = spool_dir
        self._window = jobs_per_worker
        self._stall_s = stall_s
        self._metrics = metrics
        self._pace = Pace()
        self._slots = [Slot(index) for index in range(len(environments))]
        self._waiting: deque[Ticket] = deque()
        self._suspects: deque[Ticket] = deque()
        self._tasks = [asyncio.create_task(self._keep(slot)) for slot in self._slots]
        self._tasks.append(asyncio.create_task(self._watch()))
        for task in self._tasks:
            task.add_done_callback(self._on_task_end)

    # -- what the front asks ----------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many workers there are, ready or not."""
        return len(self._slots)

    @property
    def was_ready(self) -> bool:
        """Whether any worker has ever been ready."""
        return bool(self.models)

    def expected_s(self, request: Request) -> float:
        """When a job that came now would end, from the measured pace of all that is before it."""
        tickets = [*self._waiting, *self._suspects, *(t for slot in self._slots for t in slot.tickets.values())]
        before_s = sum(self._pace.seconds(ticket.engine, ticket.work * ticket.left) for ticket in tickets)
        return before_s / len(self._slots) + self._pace.seconds(request.engine, request.work())

    async def run(self, name: str, request: Request, on_progress: OnProgress) -> float:
        """Have the job in directory `name` computed; returns the seconds it waited for the device.

        Cancelling this stops the job: it returns when the worker no longer touches the directory.

        Raises:
            Problem: as the worker reports, or `WorkerLost` when the job took its worker along twice.
        """
        ticket = Ticket(name, request, on_progress, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._deal()
        try:
            await asyncio.shield(ticket.ended)
        except asyncio.CancelledError:
            if not ticket.ended.done():
                self._cancel(ticket)
                await asyncio.wait([ticket.ended])
            raise
        return ticket.queue_s

    async def close(self) -> None:
        """End all workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- dealing ----------------------------------------------------------------------------------------------

    def _deal(self) -> None:
        for slot in self._slots:
            if slot.ready_since is None:
                continue
            if not slot.tickets:
                slot.solo = bool(self._suspects)
                if slot.solo:
                    self._hand(self._suspects.popleft(), slot)
        for slot in sorted(self._slots, key=lambda slot: len(slot.tickets)):
            if slot.ready_since is not None and not slot.solo:
                self._fill(slot)

    def _fill(self, slot: Slot) -> None:
        """Hand over waiting jobs in their order, but of each engine no more than the window: none keeps another out."""
        held = Counter(ticket.engine for ticket in slot.tickets.values())
        for ticket in list(self._waiting):
            if held[ticket.engine] < self._window:
                held[ticket.engine] += 1
                self._waiting.remove(ticket)
                self._hand(ticket, slot)

    def _hand(self, ticket: Ticket, slot: Slot) -> None:
        assert slot.process is not None  # noqa: S101 - it is ready
        slot.tickets[ticket.name] = ticket
        slot.process.send("run", ticket.name)

    def _cancel(self, ticket: Ticket) -> None:
        ticket.cancelled = True
        for queue in (self._waiting, self._suspects):
            if ticket in queue:
                queue.remove(ticket)
                ticket.ended.set_result(None)
                return
        for slot in self._slots:
            if ticket.name in slot.tickets and slot.process is not None:
                slot.process.send("cancel", ticket.name)

    # -- one worker, through all its lives --------------------------------------------------------------------

    async def _keep(self, slot: Slot) -> None:
        pause_s = 0.0
        while True:
            try:
                process = await WorkerProcess.start(self._command, self._environments[slot.index])
            except OSError:  # no memory or no processes left: for now
                log.exception("a worker could not be started", extra={"worker": slot.index})
                await asyncio.sleep(_LAST_RESTART_S)
                continue
            slot.process, slot.moved = process, time.monotonic()
            slot.forwards, slot.slowest_s, slot.rows = 0, 0.0, {}
            reason = "it said nothing"
            try:
                async for message in process:
                    if message["event"] == "failed":
                        reason = message["message"]
                    else:
                        self._hear(slot, message)
            finally:
                process.kill()
            status = await process.end()
            if not self.was_ready and not self.gave_up.done():
                self.gave_up.set_result(GaveUp(reason, 70 if status == 70 else 3))
            log.error("a worker died", extra={"worker": slot.index, "status": status, "live": _live_names(slot)})
            lived_s = time.monotonic() - slot.ready_since if slot.ready_since else 0.0
            self._bury(slot)
            pause_s = 0.0 if lived_s > _HEALTHY_S else min(max(2 * pause_s, _FIRST_RESTART_S), _LAST_RESTART_S)
            await asyncio.sleep(pause_s)

    def _hear(self, slot: Slot, message: dict[str, Any]) -> None:
        event = message["event"]
        if event == "ready":
            self._on_ready(slot, message)
        elif event == "beat":
            self._on_beat(slot, message)
        elif ticket := slot.tickets.get(message["job"]):
            if event == "live":
                ticket.live, ticket.queue_s = True, time.monotonic() - ticket.waiting_since
            elif event == "progress":
                self._on_progress(ticket, message)
            elif event == "ended":
                self._on_ended(slot, ticket, message)

    def _on_ready(self, slot: Slot, message: dict[str, Any]) -> None:
        self.models, self.device, self.backends = message["models"], message["device"], message["backends"]
        slot.ready_since = slot.moved = time.monotonic()
        self._count_ready()
        log.info("a worker is ready", extra={"worker": slot.index, "engines": list(self.models), "device": self.device})
        self._deal()

    def _on_beat(self, slot: Slot, message: dict[str, Any]) -> None:
        if message["forwards"] != slot.forwards or not _live_names(slot):
            slot.moved = time.monotonic()
        slot.forwards, slot.slowest_s = message["forwards"], message["slowest_s"]
        for rows, count in message["rows"].items():
            self._metrics.forwards.labels(rows=rows).inc(count - slot.rows.get(rows, 0))
        slot.rows = message["rows"]

    def _on_progress(self, ticket: Ticket, message: dict[str, Any]) -> None:
        stages = ticket.request.heavy_stages
        if message["stage"] in stages:
            ticket.left = 1 - (stages.index(message["stage"]) + message["done"] / message["total"]) / len(stages)
            if message["done"] > 1 and not self._pace.knows(ticket.engine):
                self._pace.learn(ticket.engine, ticket.work * (1 - ticket.left), message["device_s"])
        ticket.on_progress(message["stage"], message["done"], message["total"])

    def _on_ended(self, slot: Slot, ticket: Ticket, message: dict[str, Any]) -> None:
        del slot.tickets[ticket.name]
        if "device_s" in message and ticket.work:  # what needs no device teaches nothing about it
            self._pace.learn(ticket.engine, ticket.work, message["device_s"])
        if "error" in message and not ticket.cancelled:
            ticket.ended.set_exception(from_engine(message["error"]))
        else:
            ticket.ended.set_result(None)
        self._deal()

    def _bury(self, slot: Slot) -> None:
        """Decide what becomes of the jobs of a worker that died."""
        tickets, company = list(slot.tickets.values()), len(_live_names(slot)) > 1
        slot.tickets, slot.process, slot.ready_since, slot.solo = {}, None, None, False
        self._count_ready()
        for ticket in reversed(tickets):
            if ticket.cancelled or (self._spool_dir / ticket.name / "result.json").exists():
                ticket.ended.set_result(None)
            elif not ticket.live:
                self._waiting.appendleft(ticket)
            else:
                self._suspect(ticket, company)

    def _suspect(self, ticket: Ticket, company: bool) -> None:
        if company:
            ticket.deaths_in_company += 1
        else:
            ticket.deaths_alone += 1
        ticket.live, ticket.left, ticket.waiting_since = False, 1.0, time.monotonic()
        if ticket.deaths_alone >= _DEATHS_ALONE or ticket.deaths_in_company > _DEATHS_IN_COMPANY:
            ticket.ended.set_exception(WorkerLost("the worker process died over this job"))
        else:
            self._suspects.appendleft(ticket)

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        """Supervision never ends by itself; a bug in it must end the process, which the platform replaces."""
        if not task.cancelled() and not self.gave_up.done():
            log.critical("supervision failed", exc_info=task.exception())
            self.gave_up.set_result(GaveUp("supervision failed", 1))

    def _count_ready(self) -> None:
        ready = sum(slot.ready_since is not None for slot in self._slots)
        self._metrics.workers_ready.set(ready)
        self.none_ready_since = None if ready or not self.was_ready else self.none_ready_since or time.monotonic()

    async def _watch(self) -> None:
        """Kill a worker that has live jobs and finishes no forward."""
        while True:
            await asyncio.sleep(_WATCH_S)
            for slot in self._slots:
                allowed_s = max(self._stall_s, _STALL_TIMES_SLOWEST * slot.slowest_s)
                if slot.process and _live_names(slot) and time.monotonic() - slot.moved > allowed_s:
                    log.error("a worker stalled and is killed", extra={"worker": slot.index, "allowed_s": allowed_s})
                    slot.process.kill()


def _live_names(slot: Slot) -> list[str]:
    return [ticket.name for ticket in slot.tickets.values() if ticket.live]
