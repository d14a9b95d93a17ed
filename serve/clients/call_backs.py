"""Who asked to be called back by a job of theirs, in an earlier service's words and across restarts."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Collection

from pydantic import BaseModel, JsonValue

from serve.clients.records import Records
from serve.clients.service import Service
from serve.errors import NoSuchJob
from serve.live_job import LiveJob


class CallBack(BaseModel):
    """What is remembered of one."""

    job_id: str
    url: str
    base: str  # where the client asked, for addresses that it is told later


class CallBacks:
    """Those of one client's jobs.

    Args:
        suffix: of the files they are remembered in.
        told: what is said when a job has ended, of its id and `base`. Raises NoSuchJob where there is nothing to say.
    """

    def __init__(self, service: Service, suffix: str, told: Callable[[str, str], Awaitable[JsonValue]]) -> None:
        self._service = service
        self._records = Records(service.folder, suffix, CallBack, for_s=service.kept_s)
        self._told = told
        self._watching: set[asyncio.Task[None]] = set()

    async def check(self, url: str | None, field: str) -> None:
        """Before a job is taken.

        Raises:
            Problem: this address may not be called.
        """
        await self._service.webhooks.check(url, field)

    async def keep(self, call_back: CallBack) -> None:
        """Call back when this job has ended."""
        id = str(uuid.uuid4())
        await self._records.keep(id, call_back)
        self._watch(id, call_back)

    def take_up(self) -> None:
        """Those that an earlier front has left."""
        for id, call_back in self._records:
            self._watch(id, call_back)

    def _watch(self, id: str, call_back: CallBack) -> None:
        task = asyncio.create_task(self._call_back(id, call_back))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _call_back(self, id: str, call_back: CallBack) -> None:
        try:
            job = self._service.jobs.find(call_back.job_id)
            if isinstance(job, LiveJob) and not await have_ended([job]):
                return
            body = json.dumps(await self._told(call_back.job_id, call_back.base)).encode()
            await self._service.webhooks.tell(call_back.url, body, f"job_{id}")
        except NoSuchJob:
            pass  # it was deleted, or is no longer kept
        await self._records.drop(id)


async def have_ended(jobs: Collection[LiveJob]) -> bool:
    """Wait for these; False: this front is shutting down, and another one goes on with them."""
    if jobs:
        await asyncio.wait([job.task for job in jobs])
    return not any(job.task.cancelled() and not job.deleted for job in jobs)
