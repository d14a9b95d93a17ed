"""`webhook`: an https address of the client's is told when its job ends.

Messages are those of the Standard Webhooks specification (standardwebhooks.com): signed with HMAC-SHA256 over id, time
and body, and sent again under the same id until one is taken, for as long as the job's answer is kept. They lie beside
the jobs until then, so a restart loses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydantic import BaseModel, ValidationError

from serve.addresses_of_jobs import Addresses, job_path
from serve.answers import Answer, EndedJob, ProblemDetails, WebhookBody
from serve.codes import FrontCode
from serve.errors import Invalid, Problem
from serve.https import Https
from serve.live_job import LiveJob
from serve.place import put_in_place
from serve.threads import to_the_end
from serve.webhook_signature import key_of, plainly_signed, signed

_SUFFIX = ".webhook"
_FIRST_PAUSE_S, _LAST_PAUSE_S = 1.0, 300.0  # pauses double, up to a try every five minutes
_LAST_TRY_S = 1.0  # for what is under way when the process ends
_GONE = 410  # by which a receiver says that it wants no more

log = logging.getLogger(__name__)


class WebhookMessage(BaseModel):
    """What is to be sent."""

    id: str  # the same at each attempt
    url: str
    body: str
    ended: float  # when the job did, in seconds since 1970
    plainly_signed: bool = False  # also as an earlier service did: HMAC-SHA256 of the body alone


class Webhooks:
    """What is told to others, and how far that is.

    Args:
        secret: None: nobody is told anything.
        folder: where messages wait.
        for_s: how long they are tried.
    """

    def __init__(self, *, https: Https, secret: str | None, folder: Path, for_s: float, addresses: Addresses) -> None:
        self._https = https
        self._key = None if secret is None else key_of(secret)
        self._folder = folder
        self._for_s = for_s
        self._addresses = addresses
        self._deliveries: set[asyncio.Task[None]] = set()

    async def check(self, url: str | None, field: str = "webhook") -> None:
        """Before a job is taken.

        Raises:
            Invalid: this address may not be told anything.
            InputUnavailable: its host has no address.
        """
        if url is None:
            return
        if self._key is None:
            detail = f"'{field}': this service tells nobody; its operator would set WEBHOOK_SECRET"
            raise Invalid(detail, field=field, code=FrontCode.NO_WEBHOOKS)
        await self._https.check(url, field)

    async def note(self, job: LiveJob, told: Answer | ProblemDetails | None) -> None:
        """Write down what is to be said of a job that is about to end; None: it was cancelled."""
        if job.request.webhook is None or self._key is None:
            return
        now = time.time()
        message = WebhookMessage(
            id=f"msg_{job.run}", url=job.request.webhook, body=self._body(job, told, now), ended=now
        )
        try:
            await to_the_end(put_in_place, self._file(job), message.model_dump_json().encode())
        except OSError:  # a full disk must not change how the job ends
            log.exception("a webhook could not be noted", extra={"job": job.id})

    def send(self, job: LiveJob) -> None:
        """Deliver what was noted of a job, now that it has ended."""
        if self._file(job).exists():
            self._start(self._file(job))

    async def tell(self, url: str, body: bytes, message_id: str, *, plainly_signed: bool = False) -> None:
        """Deliver what an earlier service's client is to be told, in its own words. The address was checked."""
        message = WebhookMessage(
            id=message_id, url=url, body=body.decode(), ended=time.time(), plainly_signed=plainly_signed
        )
        file = self._folder / f"{message_id}{_SUFFIX}"
        await to_the_end(put_in_place, file, message.model_dump_json().encode())
        self._start(file)

    def take_up(self) -> None:
        """Deliver what an earlier front has left."""
        for file in self._folder.glob(f"*{_SUFFIX}"):
            self._start(file)

    async def close(self) -> None:
        """Stop; what is not delivered is left for the next front."""
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=_LAST_TRY_S)
        for delivery in self._deliveries:
            delivery.cancel()

    def _file(self, job: LiveJob) -> Path:
        return self._folder / f"{job.run}{_SUFFIX}"

    def _body(self, job: LiveJob, told: Answer | ProblemDetails | None, now: float) -> str:
        """Without the bytes of results, which are asked for at their addresses."""
        answer = told if isinstance(told, Answer) else None
        problem = told if isinstance(told, ProblemDetails) else None
        ended = EndedJob(
            id=job.id,
            state="done" if answer else "failed" if problem else "cancelled",
            answer=answer,
            problem=problem,
            url=job_path(job.id),
            events_url=self._addresses.events(job.id),
            urls=self._addresses.outputs(job.id, answer.outputs) if answer and job.kept else {},
        )
        stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        body = WebhookBody(type=f"job.{ended.state}", timestamp=stamp, data=ended)
        return body.model_dump_json(exclude={"data": {"answer": {"outputs": {"__all__": {"data"}}}}})

    def _start(self, file: Path) -> None:
        delivery = asyncio.create_task(self._deliver(file))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def _deliver(self, file: Path) -> None:
        try:
            message = WebhookMessage.model_validate_json(await asyncio.to_thread(file.read_bytes))
        except (OSError, ValidationError):
            log.exception("a webhook of another version cannot be read")
        else:
            await self._until_taken(message)
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)

    async def _until_taken(self, message: WebhookMessage) -> None:
        pause_s = _FIRST_PAUSE_S
        while not await self._is_settled(message):
            if time.time() + pause_s > message.ended + self._for_s:
                log.warning("a webhook is given up", extra={"webhook": message.id})
                return
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - so that not all come back together
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    async def _is_settled(self, message: WebhookMessage) -> bool:
        """Send it once. Whether there is no use in sending it again."""
        assert self._key is not None  # noqa: S101 - else nothing is noted
        content = message.body.encode()
        headers = {"Content-Type": "application/json", **signed(self._key, message.id, int(time.time()), content)}
        if message.plainly_signed:
            headers |= plainly_signed(self._key, content)
        # Of the address only the host: the rest may be a secret.
        where = {"webhook": message.id, "host": httpx.URL(message.url).host}
        try:
            status = await self._https.post(message.url, content, headers, "webhook")
        except Problem as problem:
            log.warning("a webhook was not taken", extra={**where, "reason": problem.detail})
            return isinstance(problem, Invalid)
        taken = 200 <= status < 300
        log.log(logging.INFO if taken else logging.WARNING, "a webhook was told", extra={**where, "status": status})
        return taken or status == _GONE
