"""What the supervisor knows of a job that is with the workers, and of a worker's place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from container.worker_process import WorkerProcess
from model.engine import OnProgress
from model.request import Request
from serve import log_ids


@dataclass(eq=False)
class Ticket:
    """A job while a worker owes its result. `name` is its directory in the spool."""

    name: str
    request: Request
    on_progress: OnProgress
    ended: asyncio.Future[None]
    log_ids: Mapping[str, str] = field(default_factory=log_ids.current)  # of the task that brought it
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
    rows: dict[int, int] = field(default_factory=dict)
    cache: dict[bool, int] = field(default_factory=dict)
    ready_since: float | None = None

    @property
    def live_names(self) -> list[str]:
        """The jobs that are on the device."""
        return [ticket.name for ticket in self.tickets.values() if ticket.live]

    def restart(self, process: WorkerProcess) -> None:
        """A worker begins its life here."""
        self.process, self.moved = process, time.monotonic()
        self.forwards, self.slowest_s, self.rows, self.cache = 0, 0.0, {}, {}

    def clear(self) -> list[Ticket]:
        """The worker is dead; returns the jobs it had."""
        tickets = list(self.tickets.values())
        self.tickets, self.process, self.ready_since, self.solo = {}, None, None, False
        return tickets
