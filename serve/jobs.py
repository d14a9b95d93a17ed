"""The life of a job in the front: claimed, fetched, computed by a worker, stored, answered.

submit --> Live job --(fetch)--> ready --(a worker)--> computed --(store)--> answer
              |                                           |
              '-- its last waiter left: cancelled         '-- from here on it is never given up

A durable job (of the jobs API) has a waiter that never leaves, a deadline of its own, and survives a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

from pydantic import ValidationError

from model.request import Request
from serve import log_ids
from serve.admission import Admission
from serve.answers import Answer, ProblemDetails, Progress
from serve.codes import FrontCode
from serve.computing import Computing
from serve.errors import (
    DeadlinePassed,
    IdInUse,
    NoSuchJob,
    NotReady,
    NotStored,
    Problem,
    RepeatedProblem,
    as_problem,
)
from serve.live_job import LiveJob
from serve.marks import Settled
from serve.metrics import Metrics
from serve.names import name_of
from serve.spool import JobDirectory, Spool
from serve.submission import Submission
from serve.threads import to_the_end
from serve.tracing import Tracing
from serve.webhooks import Webhooks
from serve.workers import Workers

_EXPIRE_EVERY_S = 60.0  # between looks for jobs whose time is over, which is counted in hours
_LAST_CANCEL_S = 1.0  # for a worker to confirm that it lets go
_PULSE_S = 5.0  # between events of a stream, so that a client that left is noticed

log = logging.getLogger(__name__)


class Jobs:
    """All live jobs, and the answers of earlier ones."""

    def __init__(
        self,
        *,
        spool: Spool,
        computing: Computing,
        webhooks: Webhooks,
        workers: Workers,
        metrics: Metrics,
        tracing: Tracing,
        admission: Admission,
    ) -> None:
        self.draining = False
        self._spool = spool
        self._computing = computing
        self._webhooks = webhooks
        self._workers = workers
        self._metrics = metrics
        self._tracing = tracing
        self._admission = admission
        self._live: dict[str, LiveJob] = {}

    # -- coming in --------------------------------------------------------------------------------------------

    async def submit(
        self, submission: Submission, prefix: str | None, deadline_s: float, *, durable: bool = False
    ) -> LiveJob | Answer:
        """Start a job, join the live one of the same id, or return the answer it had.

        Args:
            prefix: where results are stored; None: they travel in the answer.
            durable: it goes on without anybody waiting for it, and survives a restart once it is `accepted`.

        Raises:
            Problem: not ready, busy, or the id belongs to another request.
        """
        while (dying := self._live.get(name_of(submission.id))) and dying.cancelled:
            await asyncio.wait([dying.task])
        # From here to the claim nothing is awaited, so no two requests can claim one id.
        known = self._known(submission)
        if isinstance(known, LiveJob) and durable:
            await self._make_durable(known, deadline_s)
        if known is not None:
            return known
        self.refuse_unless_open()
        return self._claim(submission, prefix, deadline_s, durable)

    async def _make_durable(self, job: LiveJob, deadline_s: float) -> None:
        """Keep a job going that somebody waits for."""
        job.make_durable(deadline_s)
        if job.accepted.is_set():
            with contextlib.suppress(FileNotFoundError):  # deleted at this moment
                await job.accept()

    def refuse_unless_open(self) -> None:
        """Raise NotReady while starting and while shutting down."""
        if self.draining:
            raise NotReady("the service is shutting down", code=FrontCode.DRAINING, retry_after_s=5)
        if not self._workers.was_ready:
            raise NotReady("the service is still starting", retry_after_s=5)

    def _known(self, submission: Submission) -> LiveJob | Answer | None:
        job = self._live.get(name_of(submission.id))
        earlier = None if job else self._settled(submission.id)
        if earlier is not None and earlier.problem is not None and earlier.problem.retryable:
            return None
        known = job or earlier
        if known is not None and known.digest != submission.digest:
            raise IdInUse(f"id '{submission.id}' belongs to another request", field="id")
        if earlier is not None and earlier.problem is not None:
            raise RepeatedProblem(earlier.problem)
        return job if job is not None else earlier.answer if earlier is not None else None

    def _settled(self, job_id: str) -> Settled | None:
        try:
            return self._spool.directory(job_id).read(Settled)
        except ValidationError:
            log.warning("an answer of another version cannot be read", extra={"job": job_id})
            return None

    def _expected_unless_busy(self, request: Request, deadline_s: float, durable: bool) -> float:
        accepted = [job.request for job in self._live.values() if not (job.with_workers or job.computed)]
        expected_s, alone_s = self._workers.expected_s(request, accepted), self._workers.alone_s(request)
        self._admission.refuse_if_full(len(self._live), expected_s - alone_s)
        self._admission.refuse_if_late(request, alone_s, expected_s, deadline_s, durable=durable)
        return expected_s

    def _claim(self, submission: Submission, prefix: str | None, deadline_s: float, durable: bool) -> LiveJob:
        expected_s = self._expected_unless_busy(submission.request, deadline_s, durable)
        job = LiveJob(
            submission.id,
            submission.digest,
            self._spool.claim(submission.id),
            # From here on the pictures are only in `references`, which are let go of when they are on disk.
            submission.request.emptied(),
            prefix,
            kept=submission.id_given or prefix is not None,
            is_file=submission.is_file,
            format_named=submission.format_named,
            may_be_stored=submission.id_given,
            references=submission.sources(),
            expected_s=expected_s,
        )
        if durable:
            job.make_durable(deadline_s)
        self._start(job, self._computing.from_the_start(job))
        return job

    def _start(self, job: LiveJob, steps: Coroutine[object, object, Answer]) -> None:
        self._live[job.name] = job
        self._metrics.live_jobs.set(len(self._live))
        job.task = asyncio.create_task(self._live_through(job, steps))
        # Nobody may be left to hear how it ended; that is no reason for asyncio to complain.
        job.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def wait(self, job: LiveJob, deadline_s: float) -> Answer:
        """Wait for a job's answer. When its last waiter has left before it is computed, it is cancelled.

        Raises:
            Problem: the job's own, or that the deadline has passed.
        """
        job.waiters += 1
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(job.task)
        except TimeoutError:
            if job.computed:
                detail = f"computed and kept, but not stored yet ({job.not_stored_because}); ask again"
                raise NotStored(detail, retry_after_s=10) from None
            longer = not job.durable and deadline_s < self._admission.job_deadline_s
            advice = "; hand it in as a job (POST /api/jobs), which may take longer" if longer else ""
            raise DeadlinePassed(f"not done within its deadline of {deadline_s:g} s{advice}") from None
        except asyncio.CancelledError:
            if job.task.cancelled() and job.deleted:
                raise NoSuchJob(f"job '{job.id}' was deleted") from None
            if job.task.cancelled():
                raise NotReady("the service is shutting down", code=FrontCode.DRAINING, retry_after_s=5) from None
            raise
        finally:
            job.waiters -= 1
            if job.waiters == 0 and not job.computed:
                job.cancel()

    async def watch(self, job: LiveJob, waiting: asyncio.Task[Answer]) -> AsyncIterator[Progress]:
        """The job's progress, newest only and at least every few seconds, until `waiting` is over."""
        while not waiting.done():
            moved = asyncio.create_task(job.moved.wait())
            await asyncio.wait([waiting, moved], timeout=_PULSE_S, return_when=asyncio.FIRST_COMPLETED)
            moved.cancel()
            if not waiting.done():
                yield self.progress_of(job)

    # -- the life of one --------------------------------------------------------------------------------------

    async def _live_through(self, job: LiveJob, steps: Coroutine[object, object, Answer]) -> Answer:
        log_ids.about(job=job.id)
        code, context = "done", self._tracing.here()
        job.begin()
        try:
            return await steps
        except asyncio.CancelledError:
            code = "cancelled"
            if job.deleted or not (job.computed or job.durable):
                await self._webhooks.note(job, None)
                job.directory.erase()
            raise
        except Exception as error:
            problem = as_problem(error)
            code = problem.code
            await self._webhooks.note(job, problem.details(None))
            await self._forget(job, problem)
            raise problem from error
        finally:
            del self._live[job.name]
            self._webhooks.send(job)
            self._metrics.live_jobs.set(len(self._live))
            seconds = time.monotonic() - job.began
            self._metrics.jobs.labels(engine=job.request.engine, code=code).inc()
            self._metrics.job_seconds.labels(engine=job.request.engine).observe(seconds)
            attributes = {"atelier.job": job.id, "atelier.engine": job.request.engine, "atelier.code": code}
            self._tracing.job(context, attributes, job.began, job.timings)
            log.info("job ended", extra={"job": job.id, "code": code, "seconds": round(seconds, 3)})

    async def _forget(self, job: LiveJob, problem: Problem) -> None:
        try:
            if job.kept and not isinstance(problem, IdInUse):  # which is of the request, and not of the id
                settled = Settled(digest=job.digest, problem=problem.details(None))
                await to_the_end(job.directory.settle, settled)
                return
        except OSError:  # perhaps the full disk that it failed of
            log.exception("a problem could not be kept", extra={"job": job.id})
        job.directory.erase()

    # -- asked for by id --------------------------------------------------------------------------------------

    def find(self, job_id: str) -> LiveJob | Answer | ProblemDetails:
        """The live job of this id, or what is kept of it.

        Raises:
            NoSuchJob: there is neither.
        """
        if live := self._live.get(name_of(job_id)):
            return live
        settled = self._settled(job_id)
        ended = None if settled is None else settled.answer or settled.problem
        if ended is None:
            raise NoSuchJob("no job of this id is running, and none has ended lately")
        return ended

    def outputs_of(self, job_id: str) -> Path:
        """The folder of a kept job's files."""
        return self._spool.directory(job_id).outputs

    def ended_at(self, job_id: str) -> float | None:
        """When a kept job had its answer, in seconds since 1970; None: it has none, or it is not kept."""
        return self._spool.directory(job_id).settled_at()

    def waiting(self) -> int:
        """How many have not begun."""
        return sum(job.state == "queued" for job in self._live.values())

    def position(self, job: LiveJob) -> int:
        """How many jobs wait before it, 1 for itself included; 0: it waits no longer."""
        if job.state != "queued":
            return 0
        waiting = [other for other in self._live.values() if other.state == "queued"]
        return sum(other.began <= job.began for other in waiting)

    def progress_of(self, job: LiveJob) -> Progress:
        """How far it is, for those who ask."""
        if not job.expected_s:  # nothing was measured when it came
            before = [other.request for other in self._live.values() if other.began < job.began and not other.computed]
            left_s = sum(map(self._workers.alone_s, before)) + self._workers.alone_s(job.request)
            job.foresee(left_s)
        return job.shown_progress(self.position(job))

    async def delete(self, job_id: str) -> None:
        """Cancel the job if it is live, and erase everything of it here.

        Raises:
            NoSuchJob: there is none.
        """
        job = self.find(job_id)
        if isinstance(job, LiveJob):
            job.deleted = True
            job.cancel()
            await asyncio.wait([job.task])
        if name_of(job_id) not in self._live:  # it may have ended before it was cancelled
            self._spool.directory(job_id).erase()

    # -- the process's start and end --------------------------------------------------------------------------

    def recover(self) -> None:
        """Take up what an earlier front left: results are stored, durable jobs run; the rest is deleted."""
        for directory in self._spool:
            if not directory.has(Settled) and not self._take_up(directory):
                directory.erase()

    def _take_up(self, directory: JobDirectory) -> bool:
        try:
            job = LiveJob.left_in(directory)
        except (KeyError, ValidationError):
            log.exception("a job of another version cannot be taken up", extra={"directory": directory.name})
            return False
        if job is None:
            return False  # its client is gone
        computing = self._computing
        self._start(job, computing.finish(job, {}) if job.computed else computing.fetch_and_compute(job))
        log.info("a job goes on after the restart", extra={"job": job.id, "computed": job.computed})
        return True

    async def expire_answers(self) -> None:
        """Erase old answers, for as long as the process lives."""
        while True:
            self._spool.erase_expired(await asyncio.to_thread(self._spool.expired))
            await asyncio.sleep(_EXPIRE_EVERY_S)

    async def drain(self, within_s: float) -> None:
        """Take nothing new; wait for what is live; cancel what is not computed by then. Results on disk stay."""
        self.draining = True
        tasks = [job.task for job in self._live.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        left = list(self._live.values())
        for job in left:
            job.cancel()
        if left:
            await asyncio.wait([job.task for job in left], timeout=_LAST_CANCEL_S)
