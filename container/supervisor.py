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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from container.messages import (
    AboutJob,
    Beat,
    Cancel,
    CannotStart,
    JobCancelled,
    JobDone,
    JobFailed,
    JobLive,
    JobProgress,
    Ready,
    Run,
)
from container.pace import Pace
from container.slots import Slot, Ticket
from container.worker_process import WorkerProcess
from model.engine import OnProgress
from model.engines.registry import request_class
from model.request import Request
from serve.errors import Problem, WorkerLost, from_engine
from serve.marks import Result
from serve.metrics import Metrics
from serve.spool import JobDirectory
from serve.workers import LoadedEngine

_FIRST_RESTART_S, _LAST_RESTART_S = 0.5, 30.0  # pauses double: a passing fault is soon over, a lasting one costs little
_HEALTHY_S = 60.0  # a worker that was ready this long restarts without delay
_STALL_TIMES_SLOWEST = 10  # times its slowest forward so far: after that silence a worker counts as stalled
# A worker may be killed by others' doing (an operator, the kernel when memory is short), and then its job is not at
# fault: one death alone proves nothing, two do. In company the fault is most likely another's, but not for ever.
_DEATHS_ALONE, _DEATHS_IN_COMPANY = 2, 5
_WATCH_S = 0.5  # between looks: little beside STALL_S, two minutes by default

log = logging.getLogger(__name__)


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
        self.models: Mapping[str, LoadedEngine] = {}  # what the worker said of its engines that was ready last
        self.device: Mapping[str, str | int] = {}
        self.backends: Mapping[str, str | None] = {}
        self.none_ready_since: float | None = None  # None: some worker is ready, or none has been yet
        self.first_ready = asyncio.Event()
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

    def alone_s(self, request: Request) -> float:
        """How long a job would take if it had the device for itself, as far as is known; 0: nothing was measured."""
        return self._pace.seconds(request.engine, request.work())

    def expected_s(self, request: Request, accepted: Iterable[Request] = ()) -> float:
        """When a job that came now would end, from the measured pace of all that is before it.

        Args:
            accepted: others that came before it and are not handed over yet, as their inputs are being fetched.
        """
        tickets = [*self._waiting, *self._suspects, *(t for slot in self._slots for t in slot.tickets.values())]
        before_s = sum(self._pace.seconds(ticket.engine, ticket.work * ticket.left) for ticket in tickets)
        before_s += sum(self._pace.seconds(other.engine, other.work()) for other in accepted)
        return before_s / len(self._slots) + self.alone_s(request)

    def pids(self) -> dict[int, int]:
        """Worker -> the process that it is now."""
        return {slot.index: slot.process.pid for slot in self._slots if slot.process is not None}

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
        slot.process.send(Run(job=ticket.name, log_ids=dict(ticket.log_ids)))

    def _cancel(self, ticket: Ticket) -> None:
        ticket.cancelled = True
        for queue in (self._waiting, self._suspects):
            if ticket in queue:
                queue.remove(ticket)
                ticket.ended.set_result(None)
                return
        for slot in self._slots:
            if ticket.name in slot.tickets and slot.process is not None:
                slot.process.send(Cancel(job=ticket.name))

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
            slot.restart(process)
            reason = "it said nothing"
            try:
                async for message in process:
                    match message:
                        case CannotStart():
                            reason = message.reason
                        case Ready():
                            self._on_ready(slot, message)
                        case Beat():
                            self._on_beat(slot, message)
                        case _ if ticket := slot.tickets.get(message.job):
                            self._on_job(slot, ticket, message)
            finally:
                process.kill()
            status = await process.end()
            if not self.was_ready and not self.gave_up.done():
                self.gave_up.set_result(GaveUp(reason, 70 if status == 70 else 3))
            self._metrics.worker_ends.inc()
            log.error("a worker died", extra={"worker": slot.index, "status": status, "live": slot.live_names})
            lived_s = time.monotonic() - slot.ready_since if slot.ready_since else 0.0
            self._take_back_jobs(slot)
            pause_s = 0.0 if lived_s > _HEALTHY_S else min(max(2 * pause_s, _FIRST_RESTART_S), _LAST_RESTART_S)
            await asyncio.sleep(pause_s)

    def _on_ready(self, slot: Slot, ready: Ready) -> None:
        self.models, self.device, self.backends = ready.models, ready.device, ready.backends
        slot.ready_since = slot.moved = time.monotonic()
        self._count_ready()
        log.info("a worker is ready", extra={"worker": slot.index, "engines": list(self.models), "device": self.device})
        self.first_ready.set()
        self._deal()

    def _on_beat(self, slot: Slot, beat: Beat) -> None:
        if beat.forwards != slot.forwards or not slot.live_names:
            slot.moved = time.monotonic()
        slot.forwards, slot.slowest_s = beat.forwards, beat.slowest_s
        for rows, count in beat.rows.items():
            self._metrics.forwards.labels(rows=str(rows)).inc(count - slot.rows.get(rows, 0))
        for found, count in beat.cache.items():
            self._metrics.remembered.labels(result="hit" if found else "miss").inc(count - slot.cache.get(found, 0))
        self._metrics.device_bytes.labels(worker=str(slot.index)).set(beat.device_bytes)
        slot.rows, slot.cache = beat.rows, beat.cache

    def _on_job(self, slot: Slot, ticket: Ticket, message: AboutJob) -> None:
        match message:
            case JobLive():
                ticket.live, ticket.queue_s = True, time.monotonic() - ticket.waiting_since
            case JobProgress():
                self._on_progress(ticket, message)
            case JobDone():
                if ticket.work and len(ticket.request.engines()) == 1:  # what needs no device teaches nothing about it
                    self._pace.learn(ticket.engine, ticket.work, message.device_s)
                self._on_end(slot, ticket)
            case JobFailed():
                kinds = [request_class(engine) for engine in ticket.request.engines()]
                self._on_end(slot, ticket, from_engine(message.code, message.field, message.message, *kinds))
            case JobCancelled():
                self._on_end(slot, ticket)

    def _on_progress(self, ticket: Ticket, progress: JobProgress) -> None:
        stages = ticket.request.heavy_stages
        if progress.stage in stages:
            ticket.left = 1 - (stages.index(progress.stage) + progress.done / progress.total) / len(stages)
            if progress.done > 1 and not self._pace.knows(ticket.engine):
                self._pace.learn(ticket.engine, ticket.work * (1 - ticket.left), progress.device_s)
        ticket.on_progress(progress.stage, progress.done, progress.total)

    def _on_end(self, slot: Slot, ticket: Ticket, problem: Problem | None = None) -> None:
        del slot.tickets[ticket.name]
        if problem is not None and not ticket.cancelled:
            ticket.ended.set_exception(problem)
        else:
            ticket.ended.set_result(None)
        self._deal()

    def _take_back_jobs(self, slot: Slot) -> None:
        """Decide what becomes of the jobs of a worker that died."""
        company = len(slot.live_names) > 1
        tickets = slot.clear()
        self._count_ready()
        for ticket in reversed(tickets):
            if ticket.cancelled or JobDirectory(self._spool_dir / ticket.name).has(Result):
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
                if slot.process and slot.live_names and time.monotonic() - slot.moved > allowed_s:
                    log.error("a worker stalled and is killed", extra={"worker": slot.index, "allowed_s": allowed_s})
                    slot.process.kill()
