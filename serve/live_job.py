"""One job between its claim and its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from model.engines.registry import request_class
from model.request import Request
from serve.answers import Answer, JobState, Notice, Progress
from serve.errors import DeadlinePassed
from serve.fetch import is_inline
from serve.marks import Accepted, InputsReady, Result, drawn_run
from serve.names import name_of
from serve.spool import JobDirectory
from serve.threads import to_the_end


@dataclass(eq=False)
class LiveJob:
    """Everybody who waits for the job shares `task`."""

    id: str
    digest: str
    directory: JobDirectory
    request: Request  # without its pictures
    prefix: str | None  # where results are stored; None: they travel in the answer
    kept: bool  # whether its answer can be asked for again
    is_file: bool = False  # whether the answer is the main output itself
    format_named: bool = False  # whether the client named the format of pictures
    may_be_stored: bool = True  # by some container, before: not under an id that was drawn here a moment ago
    references: dict[str, str | bytes] = field(default_factory=dict)  # inputs that are not on disk yet, or themselves
    warnings: list[Notice] = field(default_factory=list)  # of its inputs
    deadline_s: float | None = None  # of a durable job; the others end with their last waiter
    expected_s: float = 0.0  # from its acceptance to its end; 0: nothing was measured yet
    task: asyncio.Task[Answer] = field(init=False)
    waiters: int = 0
    with_workers: bool = False  # from here on they know how much of it is left
    computed: bool = False
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage, as far as it came
    stored_bytes: dict[str, bytes] = field(default_factory=dict)  # by address, if a file is the answer: as was stored
    not_stored_because: str = "storage has not answered"
    deleted: bool = False
    begun: bool = False  # `task` has taken its first step: from there on it cleans up after itself
    cancelled: bool = False
    run: str = field(default_factory=drawn_run)
    accepted: asyncio.Event = field(default_factory=asyncio.Event)  # its request.json is written
    began: float = field(default_factory=time.monotonic)
    stage: tuple[str, int, int] = ("queue", 0, 1)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    limit: asyncio.Timeout | None = None  # of its fetching and computing, while it does that
    _written: Accepted | None = None

    @property
    def name(self) -> str:
        """What stands for the id in addresses and paths."""
        return name_of(self.id)

    @property
    def durable(self) -> bool:
        """Whether it came through the jobs API: it needs no waiter, and survives a restart of the front."""
        return self.deadline_s is not None

    def make_durable(self, deadline_s: float) -> None:
        """From here on it has a waiter that never leaves, but at a deadline that counts from now."""
        if not self.durable:
            self.deadline_s, self.kept = deadline_s, True
            self.waiters += 1
            if self.limit is not None:
                self.limit.reschedule(asyncio.get_running_loop().time() + deadline_s)

    def cancel(self) -> None:
        """Stop it as soon as it has begun. A task that is cancelled before its first step never takes it."""
        self.cancelled = True
        if self.begun:
            self.task.cancel()

    def begin(self) -> None:
        """Its task's first step."""
        self.begun = True
        if self.cancelled:
            self.task.cancel()

    @asynccontextmanager
    async def within_deadline(self) -> AsyncIterator[None]:
        """What runs inside ends when the job's deadline passes, also when it is only given one meanwhile.

        Raises:
            DeadlinePassed: it has passed.
        """
        try:
            async with asyncio.timeout(self.deadline_s) as self.limit:
                yield
        except TimeoutError:
            if self.limit is None or not self.limit.expired():
                raise
            raise DeadlinePassed(f"not done within its deadline of {self.deadline_s:g} s") from None
        finally:
            self.limit = None

    async def accept(self) -> None:
        """Write `request.json`. Inline pictures are on disk by now; a durable job's other references are kept in it."""
        while (accepted := self._as_accepted()) != self._written:
            await to_the_end(self.directory.mark, accepted)
            self._written = accepted  # and once more, if it was made durable meanwhile
        self.accepted.set()

    def _as_accepted(self) -> Accepted:
        return Accepted(
            id=self.id,
            digest=self.digest,
            kept=self.kept,
            prefix=self.prefix,
            deadline_s=self.deadline_s,
            engine=self.request.engine,
            request=self.request.model_dump(mode="json"),
            references={name: one for name, one in self.references.items() if self.durable and isinstance(one, str)},
            run=self.run,
        )

    @classmethod
    def left_in(cls, directory: JobDirectory) -> LiveJob | None:
        """The job that an earlier front left and that goes on without its client, if it is one.

        Raises:
            KeyError, ValidationError: its `request.json` is another version's.
        """
        accepted, ready, computed = directory.read(Accepted), directory.read(InputsReady), directory.has(Result)
        if accepted is None or not (accepted.deadline_s or (computed and accepted.prefix)):
            return None
        job = cls(
            accepted.id,
            accepted.digest,
            directory,
            request_class(accepted.engine).model_validate(accepted.request),
            accepted.prefix,
            kept=accepted.kept,
            references={} if ready else dict(accepted.references),
            warnings=ready.warnings if ready else [],
            computed=computed,
            run=accepted.run,
        )
        if accepted.deadline_s:
            job.make_durable(accepted.deadline_s)
        job.accepted.set()
        return job

    def inline_references(self) -> dict[str, str | bytes]:
        """Those inputs that came in the body."""
        return {name: reference for name, reference in self.references.items() if is_inline(reference)}

    def on_disk(self, names: Collection[str]) -> None:
        """Let go of references that have been fetched."""
        self.references = {name: kept for name, kept in self.references.items() if name not in names}

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note a step and wake those who watch."""
        self.stage = (stage, done, total)
        self.moved.set()
        self.moved = asyncio.Event()

    @property
    def state(self) -> JobState:
        """`queued` or `running`."""
        return "queued" if self.stage[0] == "queue" else "running"

    def foresee(self, left_s: float) -> None:
        """Note how long it still takes, from now on; 0: that is not known."""
        if left_s:
            self.expected_s = time.monotonic() - self.began + left_s

    def shown_progress(self, position: int) -> Progress:
        """How far it is, `position` being its place among those that wait."""
        stage, done, total = self.stage
        elapsed_s = round(time.monotonic() - self.began, 3)
        expected_s = round(max(self.expected_s - elapsed_s, 0.0), 1) if self.expected_s else None
        return Progress(
            id=self.id,
            stage=stage,
            done=done,
            total=total,
            elapsed_s=elapsed_s,
            position=position,
            expected_s=expected_s,
        )
