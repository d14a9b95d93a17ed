"""The steps of a job after its claim: inputs are fetched, a worker computes, results are stored, it is settled."""

from __future__ import annotations

import time
from collections.abc import Mapping

from model.request import Request
from serve.answers import Answer, Notice, UsedModel
from serve.fetch import Fetcher
from serve.live_job import LiveJob
from serve.marks import InputsReady, Result, Settled
from serve.metrics import Metrics
from serve.results import Results
from serve.threads import to_the_end
from serve.webhooks import Webhooks
from serve.workers import Workers

Timings = dict[str, float]


class Computing:
    """What the steps need. Each goes on with those after it, so that a restart can begin in the middle."""

    def __init__(
        self, *, fetcher: Fetcher, results: Results, webhooks: Webhooks, workers: Workers, metrics: Metrics
    ) -> None:
        self._fetcher = fetcher
        self._results = results
        self._webhooks = webhooks
        self._workers = workers
        self._metrics = metrics

    async def from_the_start(self, job: LiveJob) -> Answer:
        """Bring what came in the body to disk; from then on the job is accepted."""
        inline = job.inline_references()
        await self._fetched(job, inline)  # no folders: nothing to warn of
        job.on_disk(inline)
        del inline
        await job.accept()
        return await self.fetch_and_compute(job)

    async def fetch_and_compute(self, job: LiveJob) -> Answer:
        """Of a job that is accepted: return its answer if it is stored, else compute it."""
        async with job.within_deadline():
            if not job.may_be_stored:
                await self._results.refuse_unsigned(job)
            elif stored := await self._results.find(job):
                await self._end(job, stored)
                return stored
            timings = await self._compute(job)
        return await self.finish(job, timings)

    async def _compute(self, job: LiveJob) -> Timings:
        job.warnings += await self._fetched(job, job.references)
        job.on_disk(job.references)
        if job.durable:  # nobody else's inputs are looked at after a restart
            await to_the_end(job.directory.mark, InputsReady(warnings=job.warnings))
        self._results.inline_limit.refuse_hopeless(job)
        fetch_s = time.monotonic() - job.began
        job.with_workers = True
        queue_s = await self._workers.run(job.directory.name, job.request, job.progress)
        job.computed = True
        return {"fetch_s": fetch_s, "queue_s": queue_s}

    async def _fetched(self, job: LiveJob, references: Mapping[str, str | bytes]) -> list[Notice]:
        return await self._fetcher.fetch_all(references, job.directory.inputs, job.request.plain_files)

    async def finish(self, job: LiveJob, timings: Timings) -> Answer:
        """Of a job that is computed: store its results, keep its answer and erase its pictures."""
        result = job.directory.read(Result)
        assert result is not None  # noqa: S101 - the worker has said so
        started = time.monotonic()
        answer = await self._results.deliver(job, result, self._answer(job, result, timings))
        job.timings = answer.timings | {"store_s": time.monotonic() - started}
        self._observe(job.request.engine, job.timings)
        await self._end(job, answer)
        return answer

    async def _end(self, job: LiveJob, answer: Answer) -> None:
        await self._webhooks.note(job, answer)
        if job.kept:
            await to_the_end(job.directory.settle, Settled(digest=job.digest, answer=answer))
        else:
            job.directory.erase()

    def _answer(self, job: LiveJob, result: Result, timings: Timings) -> Answer:
        """All of it but its files."""
        return Answer(
            id=job.id,
            type=job.request.type,
            engine=job.request.engine,
            state="done",
            seed=job.request.seed,
            settings=job.request.settings() | result.settings,
            outputs=[],
            warnings=job.warnings + result.warnings,
            timings=timings | result.timings,
            model=self._used(job.request),
        )

    def _used(self, request: Request) -> UsedModel:
        """Its own engine, under the licences of all that worked on it."""
        known = self._workers.models.get(request.engine)
        licences = [self._workers.models[name].licence for name in request.engines() if name in self._workers.models]
        return UsedModel(
            engine=request.engine,
            fingerprint=known and known.fingerprint,
            licence="; ".join(dict.fromkeys(licences)) or None,
        )

    def _observe(self, engine: str, timings: Timings) -> None:
        for name, seconds in timings.items():
            self._metrics.stage_seconds.labels(engine=engine, stage=name.removesuffix("_s")).observe(seconds)
