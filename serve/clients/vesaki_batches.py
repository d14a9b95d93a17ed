"""Batches as Vesaki's service had them: pairs of addresses, each a job of ours, told of together."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from pydantic import BaseModel, JsonValue

from serve.answers import Answer, ProblemDetails
from serve.body import RequestBody
from serve.clients.call_backs import have_ended
from serve.clients.records import Records
from serve.clients.service import Service, base_of, pictures_of
from serve.clients.vesaki_errors import VesakiRefusal
from serve.clients.vesaki_options import Options, checked
from serve.errors import NoSuchJob, Problem
from serve.live_job import LiveJob

SUFFIX = ".vesaki"
_WHOLE = ("queued", "processing")

log = logging.getLogger(__name__)


class BatchPair(BaseModel):
    """One of a batch."""

    pair_id: str
    job_id: str
    refused_because: str | None = None  # it never became a job


class BatchRecord(BaseModel):
    """What is remembered of a batch."""

    created_at: str
    base: str  # where the client asked, for addresses that it is told later
    pairs: list[BatchPair]
    callback_url: str | None = None


@dataclass(frozen=True)
class Batches:
    """Takes them, and tells of them."""

    service: Service
    records: Records[BatchRecord]
    watching: set[asyncio.Task[None]]

    async def take(self, request: Request, ours: Mapping[str, object]) -> tuple[str, BatchRecord]:
        """Hand in a job for each pair.

        Args:
            ours: fields of every request.

        Raises:
            VesakiRefusal, Problem: the batch is none, or nothing of it is taken now.
        """
        body = (await self.service.intake.read(request)).fields
        pairs, options = _pairs(body, self.service.most_jobs), _options(body)
        callback = body.get("callback_url")
        if callback is not None and not isinstance(callback, str):
            raise VesakiRefusal("INVALID_FORMAT", "'callback_url' must be an address", "callback_url")
        await self.service.webhooks.check(callback, "callback_url")
        taken = [
            await self._taken(pair, number, {**ours, **options.ours(inline=False)}) for number, pair in enumerate(pairs)
        ]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = BatchRecord(created_at=now, base=base_of(request), pairs=taken, callback_url=callback)
        id = str(uuid.uuid4())
        await self.records.keep(id, record)
        self.watch(id, record)
        return id, record

    async def _taken(self, pair: Mapping[str, object], number: int, ours: Mapping[str, object]) -> BatchPair:
        named = pair.get("pair_id")
        known = BatchPair(pair_id=named if isinstance(named, str) else str(number), job_id=str(uuid.uuid4()))
        pictures = {"person": pair["person_url"], "garment": pair["garment_url"]}
        try:
            await self.service.handed_in(RequestBody.of({**ours, "id": known.job_id, **pictures}))
        except Problem as problem:
            return known.model_copy(update={"refused_because": problem.detail})
        return known

    def watch(self, id: str, record: BatchRecord) -> None:
        """Call the client back when all of it has ended."""
        if record.callback_url is not None:
            task = asyncio.create_task(self._call_back(id, record, record.callback_url))
            self.watching.add(task)
            task.add_done_callback(self.watching.discard)

    async def _call_back(self, id: str, record: BatchRecord, url: str) -> None:
        found = [self._job(pair) for pair in record.pairs]
        if not await have_ended([job for job in found if isinstance(job, LiveJob)]):
            return
        body = json.dumps(self.told(id, record)).encode()
        await self.records.keep(id, record.model_copy(update={"callback_url": None}))  # it is the webhooks' now
        await self.service.webhooks.tell(url, body, f"batch_{id}", plainly_signed=True)

    def take_up(self) -> None:
        """Those that an earlier front has left to be called back."""
        for id, record in self.records:
            self.watch(id, record)

    def told(self, id: str, record: BatchRecord) -> dict[str, JsonValue]:
        """How far it is."""
        jobs = [self._job(pair) for pair in record.pairs]
        results: list[JsonValue] = [
            self._result(pair, job, record) for pair, job in zip(record.pairs, jobs, strict=True)
        ]
        status, ended = _state(jobs), [self.service.jobs.ended_at(pair.job_id) for pair in record.pairs]
        last = max((at for at in ended if at is not None), default=None)
        return {
            "job_id": id,
            "status": status,
            "total": len(jobs),
            "total_pairs": len(jobs),
            "completed": sum(isinstance(job, Answer) for job in jobs),
            "failed": sum(isinstance(job, ProblemDetails | str) for job in jobs),
            "results": results,
            "created_at": record.created_at,
            "completed_at": None if status in _WHOLE or last is None else _moment(last),
        }

    def _job(self, pair: BatchPair) -> LiveJob | Answer | ProblemDetails | str:
        """The job of a pair, or why there is none."""
        if pair.refused_because is not None:
            return pair.refused_because
        try:
            return self.service.jobs.find(pair.job_id)
        except NoSuchJob:
            return "its result is no longer kept"

    def _result(
        self, pair: BatchPair, job: LiveJob | Answer | ProblemDetails | str, record: BatchRecord
    ) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"pair_id": pair.pair_id, "result_url": None, "processing_time": None}
        match job:
            case LiveJob():
                return told | {"status": "queued" if job.state == "queued" else "processing"}
            case Answer():
                path = self.service.addresses.outputs(job.id, pictures_of(job)[:1])
                url, seconds = record.base + next(iter(path.values())), round(sum(job.timings.values()), 3)
                return told | {"status": "completed", "result_url": url, "processing_time": seconds}
            case ProblemDetails():
                return told | {"status": "failed", "error": job.detail}
            case reason:
                return told | {"status": "failed", "error": reason}

    def expected_s(self, record: BatchRecord) -> float:
        """Until its end, as foreseen."""
        found = [self._job(pair) for pair in record.pairs]
        return round(max((job.expected_s for job in found if isinstance(job, LiveJob)), default=0.0), 1)


def _state(jobs: Collection[LiveJob | Answer | ProblemDetails | str]) -> str:
    live = [job for job in jobs if isinstance(job, LiveJob)]
    if live:
        waiting = len(live) == len(jobs) and all(job.state == "queued" for job in live)
        return "queued" if waiting else "processing"
    done = sum(isinstance(job, Answer) for job in jobs)
    return "completed" if done == len(jobs) else "partial" if done else "failed"


def _pairs(body: Mapping[str, object], most: int) -> list[Mapping[str, object]]:
    pairs = body.get("pairs")
    if not isinstance(pairs, list) or not pairs:
        raise VesakiRefusal("MISSING_PARAMETER", "'pairs' is needed, a list of person_url and garment_url", "pairs")
    if len(pairs) > most:
        raise VesakiRefusal("INVALID_FORMAT", f"'pairs' has {len(pairs)}, more than {most}", "pairs")
    for number, pair in enumerate(pairs):
        for name in ("person_url", "garment_url"):
            if not isinstance(pair, dict) or not isinstance(pair.get(name), str):
                raise VesakiRefusal("MISSING_PARAMETER", f"'pairs.{number}.{name}' is needed", f"pairs.{number}.{name}")
    return pairs


def _options(body: Mapping[str, object]) -> Options:
    given = body.get("options")
    if given is not None and not isinstance(given, dict):
        raise VesakiRefusal("INVALID_FORMAT", "'options' must be an object", "options")
    return checked(given or {})


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
