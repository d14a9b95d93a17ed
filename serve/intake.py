"""From a body to a job: what `/invocations`, batches and the jobs API have in common."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace

from fastapi import Request

from serve.accept import ANYTHING, STREAMS, Accept
from serve.answers import Answer
from serve.body import RequestBody, media_type, read_bytes
from serve.catalogue import Catalogue
from serve.errors import UnsupportedMedia
from serve.form import read_form
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.names import checked_inference_id
from serve.store import Store
from serve.submission import read_submission
from serve.webhooks import Webhooks
from serve.workers import Workers

_CURL = " (curl -d says so, unless -H 'Content-Type: application/json' is added)"
_INFERENCE_ID = "x-amzn-sagemaker-inference-id"


@dataclass(frozen=True)
class Taken:
    """A request that was submitted: its job, or the answer it had before."""

    job: LiveJob | Answer
    deadline_s: float
    media_type: str  # of the answer


@dataclass(frozen=True)
class Intake:
    """Reads, validates and submits."""

    jobs: Jobs
    store: Store
    workers: Workers
    webhooks: Webhooks
    catalogue: Catalogue
    max_body_bytes: int

    async def take(
        self,
        request: Request,
        deadline_s: float,
        accept: Accept = ANYTHING,
        streamed_s: float | None = None,
    ) -> Taken:
        """Read one request and submit it.

        The body, pictures and all, is let go of when this returns.

        Args:
            deadline_s: where the request names none.
            streamed_s: the same, of an answer that is a stream.
        """
        body = await self.read(request)
        return await self.submit(body, deadline_s, accept, streamed_s, inference_id(request))

    async def read(self, request: Request) -> RequestBody:
        """The body of one request.

        Raises:
            Problem: it cannot be read, or nothing is taken now.
        """
        self.jobs.refuse_unless_open()
        match media_type(request):
            case "application/json":
                return await RequestBody.parse(await read_bytes(request, self.max_body_bytes))
            case "multipart/form-data":
                return await read_form(request, self.max_body_bytes)
            case other:
                known = "application/json or multipart/form-data; to /invocations also application/jsonlines, x-ndjson"
                hint = _CURL if other == "application/x-www-form-urlencoded" else ""
                raise UnsupportedMedia(f"Content-Type '{other[:60]}' is not read here{hint}; send {known}")

    async def hand_in(self, body: RequestBody, deadline_s: float, fallback_id: str | None = None) -> LiveJob | Answer:
        """Submit what nobody needs to wait for. Returns when nothing but its deletion can lose it.

        Raises:
            Problem: also the job's own, if it fails before that: an inline picture is none.
        """
        job = (await self.submit(body, deadline_s, fallback_id=fallback_id, durable=True)).job
        if isinstance(job, LiveJob):
            waiting = asyncio.create_task(job.accepted.wait())
            await asyncio.wait([waiting, job.task], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not job.accepted.is_set():
                await self.jobs.wait(job, deadline_s)
        return job

    async def submit(
        self,
        body: RequestBody,
        deadline_s: float,
        accept: Accept = ANYTHING,
        streamed_s: float | None = None,
        fallback_id: str | None = None,
        *,
        durable: bool = False,
    ) -> Taken:
        """Submit one body. `fallback_id` is used when it names no id."""
        fields = await self.catalogue.completed(body.fields)
        submission = read_submission(fields, body.digest, self.workers.models, fallback_id)
        wanted = submission.request
        await self.webhooks.check(wanted.webhook)
        format_named = "format" in wanted.output.model_fields_set
        media_type = accept.settle(wanted)
        is_file = media_type in wanted.media_types
        if is_file:
            digest = hashlib.sha256(f"{body.digest} {media_type}".encode()).hexdigest()
            submission = replace(submission, digest=digest, is_file=True)
        named = format_named or accept.names(media_type)
        submission = replace(submission, format_named=named, files=body.files)
        prefix = self.store.prefix_for(wanted.output, wants_bytes=is_file)
        default_s = streamed_s if streamed_s and media_type in STREAMS else deadline_s
        deadline_s = wanted.deadline_s or default_s
        job = await self.jobs.submit(submission, prefix, deadline_s, durable=durable)
        return Taken(job, deadline_s, media_type)


def inference_id(request: Request) -> str | None:
    """What SageMaker calls the request, if it does."""
    return checked_inference_id(request.headers.get(_INFERENCE_ID), _INFERENCE_ID)
