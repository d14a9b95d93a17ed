"""From a body to a job: what `/invocations`, batches and the jobs API have in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fastapi import Request

from serve.accept import Accept
from serve.answers import Answer
from serve.body import Body, media_type, read_bytes
from serve.errors import UnsupportedMedia
from serve.form import read_form
from serve.jobs import Jobs
from serve.live_job import LiveJob
from serve.store import Store
from serve.submission import read_submission
from serve.workers import Workers

_INFERENCE_ID = "x-amzn-sagemaker-inference-id"


@dataclass(frozen=True)
class Intake:
    """Reads, validates and submits."""

    jobs: Jobs
    store: Store
    workers: Workers
    max_body_bytes: int

    async def take(
        self, request: Request, deadline_s: float, accept: Accept | None = None, *, durable: bool = False
    ) -> tuple[LiveJob | Answer, float]:
        """Read one request and submit it; returns what is known of it and its deadline.

        The body, pictures and all, is let go of when this returns.

        Args:
            deadline_s: where the request names none.
        """
        self.jobs.refuse_unless_open()
        body = await self._read(request)
        fallback_id = request.headers.get(_INFERENCE_ID)
        return await self.submit(body, deadline_s, accept or Accept(), fallback_id, durable=durable)

    async def _read(self, request: Request) -> Body:
        match media_type(request):
            case "application/json":
                return await Body.parse(await read_bytes(request, self.max_body_bytes))
            case "multipart/form-data":
                return await read_form(request, self.max_body_bytes)
            case other:
                known = "application/json or multipart/form-data (to /invocations also application/jsonlines)"
                raise UnsupportedMedia(f"Content-Type '{other[:60]}' is not read here; send {known}")

    async def submit(
        self,
        body: Body,
        deadline_s: float,
        accept: Accept,
        fallback_id: str | None = None,
        *,
        durable: bool = False,
    ) -> tuple[LiveJob | Answer, float]:
        """Submit one body. `fallback_id` is used when it names no id."""
        digest = hashlib.sha256(f"{body.digest} {accept.file}".encode()).hexdigest() if accept.file else body.digest
        submission = read_submission(accept.with_format(body.fields), digest, self.workers.models, fallback_id)
        wanted = submission.request
        accept.refuse_unless_among(wanted.media_types)
        prefix = self.store.prefix_for(wanted.output, wants_bytes=accept.file is not None)
        deadline_s = wanted.deadline_s or deadline_s
        return await self.jobs.submit(submission, prefix, deadline_s, durable=durable), deadline_s
