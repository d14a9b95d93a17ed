"""The life of a job in the front: claimed, fetched, computed by a worker, stored, answered.

submit --> Live job --(fetch)--> ready --(a worker)--> computed --(store)--> answer
              |                                           |
              '-- its last waiter left: cancelled         '-- from here on it is never given up
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from model.engines import request_class
from model.request import Request
from serve.errors import (
    DeadlinePassed,
    IdInUse,
    Internal,
    NotReady,
    NotStored,
    Overloaded,
    Problem,
    RepeatedProblem,
    TooLarge,
    as_problem,
)
from serve.fetch import Fetcher
from serve.metrics import Metrics
from serve.spool import JobDirectory, Spool
from serve.store import Store, StoreError
from serve.submission import Submission

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 60.0
_EXPIRE_EVERY_S = 60.0
_LAST_CANCEL_S = 1.0  # for a worker to confirm that it lets go
_PULSE_S = 5.0  # between events of a stream, so that a client that left is noticed

log = logging.getLogger(__name__)

Answer = dict[str, Any]
Event = dict[str, Any]


class Workers(Protocol):
    """What computes the jobs."""

    models: dict[str, Any]
    device: dict[str, Any]
    backends: dict[str, Any]
    none_ready_since: float | None

    @property
    def was_ready(self) -> bool: ...

    def expected_s(self, request: Request) -> float: ...

    async def run(self, name: str, request: Request, on_progress: Callable[[str, int, int], None]) -> float: ...


@dataclass(eq=False)
class LiveJob:
    """A job between its claim and its answer. Everybody who waits for it shares `task`."""

    id: str
    digest: str
    directory: JobDirectory
    kept: bool  # whether its answer can be asked for again
    task: asyncio.Task[Answer] = field(init=False)
    waiters: int = 0
    computed: bool = False
    began: float = field(default_factory=time.monotonic)
    stage: tuple[str, int, int] = ("queue", 0, 1)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note a step and wake those who watch."""
        self.stage = (stage, done, total)
        self.moved.set()
        self.moved = asyncio.Event()

    def event(self) -> Event:
        """How far it is."""
        stage, done, total = self.stage
        elapsed_s = round(time.monotonic() - self.began, 3)
        return {"id": self.id, "stage": stage, "done": done, "total": total, "elapsed_s": elapsed_s}


class Jobs:
    """All live jobs, and the answers of earlier ones."""

    def __init__(
        self,
        *,
        spool: Spool,
        fetcher: Fetcher,
        store: Store,
        workers: Workers,
        metrics: Metrics,
        max_queued: int,
        max_inline_bytes: int,
        wait_when_overloaded: bool,
    ) -> None:
        self.draining = False
        self._spool = spool
        self._fetcher = fetcher
        self._store = store
        self._workers = workers
        self._metrics = metrics
        self._max_queued = max_queued
        self._max_inline_bytes = max_inline_bytes
        self._wait_when_overloaded = wait_when_overloaded
        self._live: dict[str, LiveJob] = {}

    # -- coming in --------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission, prefix: str | None, deadline_s: float) -> LiveJob | Answer:
        """Start a job, join the live one of the same id, or return the answer it had.

        Args:
            prefix: where results are stored; None: they travel in the answer.

        Raises:
            Problem: not ready, busy, or the id belongs to another request.
        """
        while (dying := self._live.get(submission.id)) and dying.task.cancelling():
            await asyncio.wait([dying.task])
        # From here to the claim nothing is awaited, so no two requests can claim one id.
        if known := self._known(submission):
            return known
        self.refuse_unless_open()
        self._refuse_if_busy(submission.request, deadline_s)
        return self._claim(submission, prefix)

    def refuse_unless_open(self) -> None:
        """Raise NotReady while starting and while shutting down."""
        if self.draining:
            raise NotReady("the service is shutting down", code="draining", retry_after_s=5)
        if not self._workers.was_ready:
            raise NotReady("the service is still starting", retry_after_s=5)

    def _known(self, submission: Submission) -> LiveJob | Answer | None:
        job = self._live.get(submission.id)
        earlier = None if job else self._spool.directory(submission.id).read("answer.json")
        digest = job.digest if job else earlier and earlier["digest"]
        if digest is not None and digest != submission.digest:
            raise IdInUse(f"id '{submission.id}' belongs to another request", field="id")
        if earlier is not None and "problem" in earlier:
            raise RepeatedProblem(earlier["problem"])
        return job or (earlier and earlier["answer"])

    def _refuse_if_busy(self, request: Request, deadline_s: float) -> None:
        if len(self._live) >= self._max_queued:
            raise Overloaded(f"{len(self._live)} jobs are waiting, no more are taken", retry_after_s=10)
        expected_s = self._workers.expected_s(request)
        if expected_s > deadline_s and not self._wait_when_overloaded:
            detail = f"it would end in about {expected_s:.0f} s, after its deadline of {deadline_s:.0f} s"
            raise Overloaded(detail, retry_after_s=round(expected_s - deadline_s, 1))

    def _claim(self, submission: Submission, prefix: str | None) -> LiveJob:
        directory = self._spool.claim(submission.id)
        job = LiveJob(submission.id, submission.digest, directory, kept=submission.id_given or prefix is not None)
        references = dict(submission.request.inputs())
        without_inputs = submission.request.without_inputs()
        accepted = {"id": job.id, "digest": job.digest, "kept": job.kept, "prefix": prefix}
        directory.mark("request.json", accepted | {"engine": submission.request.type, "request": without_inputs})
        # From here on the pictures are only in `references`, which is emptied when they are on disk.
        request = type(submission.request).model_validate(without_inputs)
        self._start(job, request, self._compute_and_store(job, request, references, prefix))
        return job

    def _start(self, job: LiveJob, request: Request, steps: Coroutine[Any, Any, Answer]) -> None:
        self._live[job.id] = job
        self._metrics.live_jobs.set(len(self._live))
        job.task = asyncio.create_task(self._live_through(job, request, steps))
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
                raise NotStored("computed and kept, but not stored yet; ask again", retry_after_s=10) from None
            raise DeadlinePassed(f"not done within its deadline of {deadline_s:g} s") from None
        except asyncio.CancelledError:
            if job.task.cancelled():
                raise NotReady("the service is shutting down", code="draining", retry_after_s=5) from None
            raise
        finally:
            job.waiters -= 1
            if job.waiters == 0 and not job.computed:
                job.task.cancel()

    async def watch(self, job: LiveJob, waiting: asyncio.Task[Answer]) -> AsyncIterator[Event]:
        """The job's progress, newest only and at least every few seconds, until `waiting` is over."""
        while not waiting.done():
            moved = asyncio.create_task(job.moved.wait())
            await asyncio.wait([waiting, moved], timeout=_PULSE_S, return_when=asyncio.FIRST_COMPLETED)
            moved.cancel()
            if not waiting.done():
                yield job.event()

    # -- the life of one --------------------------------------------------------------------------------------

    async def _live_through(self, job: LiveJob, request: Request, steps: Coroutine[Any, Any, Answer]) -> Answer:
        code = "done"
        try:
            return await steps
        except asyncio.CancelledError:
            code = "cancelled"
            if not job.computed:
                job.directory.erase()
            raise
        except Exception as error:
            problem = as_problem(error)
            code = problem.code
            self._forget(job, problem)
            raise problem from error
        finally:
            del self._live[job.id]
            self._metrics.live_jobs.set(len(self._live))
            self._metrics.jobs.labels(engine=request.type, code=code).inc()
            log.info(
                "job ended", extra={"job": job.id, "code": code, "seconds": round(time.monotonic() - job.began, 3)}
            )

    def _forget(self, job: LiveJob, problem: Problem) -> None:
        if job.kept and not problem.retryable:
            job.directory.settle({"digest": job.digest, "problem": problem.to_json(None)})
        else:
            job.directory.erase()

    async def _compute_and_store(
        self, job: LiveJob, request: Request, references: dict[str, str], prefix: str | None
    ) -> Answer:
        if prefix is not None and job.kept and (stored := await self._find(job, prefix)):
            job.directory.settle({"digest": job.digest, "answer": stored})
            return stored
        timings = await self._compute(job, request, references)
        return await self._finish(job, request, prefix, timings)

    async def _find(self, job: LiveJob, prefix: str) -> Answer | None:
        """The answer another container has stored for this id."""
        try:
            manifest = await self._store.find(prefix, job.id)
        except StoreError:
            return None  # the upload will tell, with retries
        if manifest is not None and manifest["digest"] != job.digest:
            raise IdInUse(f"id '{job.id}' belongs to another request", field="id")
        stored: Answer | None = manifest and manifest["answer"]
        return stored

    async def _compute(self, job: LiveJob, request: Request, references: dict[str, str]) -> dict[str, float]:
        started = time.monotonic()
        await self._fetcher.fetch_all(references, job.directory.inputs)
        references.clear()
        fetched = time.monotonic()
        job.directory.mark("ready", {})
        queue_s = await self._workers.run(job.directory.name, request, job.progress)
        job.computed = True
        return {"fetch_s": fetched - started, "queue_s": queue_s}

    # -- its end ----------------------------------------------------------------------------------------------

    async def _finish(self, job: LiveJob, request: Request, prefix: str | None, timings: dict[str, float]) -> Answer:
        result = job.directory.read("result.json")
        answer = {
            "id": job.id,
            "type": request.type,
            "state": "done",
            "seed": request.seed,
            "outputs": result["outputs"],
            "warnings": result["warnings"],
            "timings": timings | result["timings"],
            "model": self._model(request.type),
        }
        started = time.monotonic()
        if prefix is None:
            await asyncio.to_thread(self._inline, job, answer)
        else:
            answer = await self._store_for_sure(job, prefix, answer)
        self._observe(request.type, answer["timings"] | {"store_s": time.monotonic() - started})
        if job.kept:
            job.directory.settle({"digest": job.digest, "answer": answer})
        else:
            job.directory.erase()
        return answer

    def _model(self, engine: str) -> dict[str, Any]:
        known = self._workers.models.get(engine, {})
        return {"engine": engine, "fingerprint": known.get("fingerprint"), "licence": known.get("licence")}

    def _inline(self, job: LiveJob, answer: Answer) -> None:
        """Put the files into the answer."""
        size = sum(output["bytes"] for output in answer["outputs"])
        if self._max_inline_bytes and size * 4 / 3 > self._max_inline_bytes:
            detail = f"the result has {size} bytes, too many for an inline answer; name 'output.prefix' or use jpeg"
            raise TooLarge(detail, code="inline_too_large", field="output.inline")
        for output in answer["outputs"]:
            content = (job.directory.outputs / output["name"]).read_bytes()
            output["data"] = base64.b64encode(content).decode()

    async def _store_for_sure(self, job: LiveJob, prefix: str, answer: Answer) -> Answer:
        """Store everything, however long it takes."""
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                return await self._store_once(job, prefix, answer)
            except StoreError as error:
                log.warning("a result could not be stored yet", extra={"job": job.id, "reason": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_RETRY_S)

    async def _store_once(self, job: LiveJob, prefix: str, answer: Answer) -> Answer:
        for output in answer["outputs"]:
            output["uri"] = f"{prefix}{job.id}/{output['name']}"
            await self._store.put(output["uri"], job.directory.outputs / output["name"], output["content_type"])
        if await self._store.finish(prefix, job.id, {"digest": job.digest, "answer": answer}):
            return answer
        return await self._find(job, prefix) or answer

    def _observe(self, engine: str, timings: dict[str, float]) -> None:
        for name, seconds in timings.items():
            self._metrics.stage_seconds.labels(engine=engine, stage=name.removesuffix("_s")).observe(seconds)

    async def bytes_of(self, answer: Answer, content_type: str) -> tuple[bytes, str]:
        """The first output of that media type (any image for `image/*`), and its exact type."""
        for output in answer["outputs"]:
            if output["content_type"].startswith(content_type.removesuffix("*")):
                if "data" in output:
                    return base64.b64decode(output["data"]), output["content_type"]
                if content := await self._store.read(output["uri"]):
                    return content, output["content_type"]
        raise Internal(f"there is no {content_type} among the stored results")

    # -- the process's start and end --------------------------------------------------------------------------

    def recover(self) -> None:
        """Take up what an earlier front left: finished results are stored, the rest is deleted."""
        for directory in self._spool:
            if directory.read("answer.json") is not None:
                continue
            accepted = directory.read("request.json")
            if accepted is None or accepted["prefix"] is None or directory.read("result.json") is None:
                directory.erase()  # its client is gone
                continue
            job = LiveJob(accepted["id"], accepted["digest"], directory, kept=accepted["kept"], computed=True)
            request = request_class(accepted["engine"]).model_validate(accepted["request"])
            self._start(job, request, self._finish(job, request, accepted["prefix"], {}))
            log.info("storing a result computed before the restart", extra={"job": job.id})

    async def expire_answers(self) -> None:
        """Erase old answers, for as long as the process lives."""
        while True:
            await asyncio.to_thread(self._spool.expire)
            await asyncio.sleep(_EXPIRE_EVERY_S)

    async def drain(self, within_s: float) -> None:
        """Take nothing new; wait for what is live; cancel what is not computed by then. Results on disk stay."""
        self.draining = True
        tasks = [job.task for job in self._live.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        tasks = [job.task for job in self._live.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_CANCEL_S)
