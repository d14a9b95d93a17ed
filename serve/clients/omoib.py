"""What the backend of an earlier container (Omoib's) expects beside the answer: a JPEG where it looks for it, and a
message on its queue. Only for requests that carry its `userId` and `timestamp`.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import JsonValue

from model.request import Request as JobRequest
from model.tryon.request import TryOnRequest
from serve import aws
from serve.clients.client import Client
from serve.live_job import LiveJob
from serve.marks import Result
from serve.store import Store, StoreError

if TYPE_CHECKING:
    from botocore.client import BaseClient

# A header that SageMaker passes on, and what it says where its client wants that container's answer.
_ATTRIBUTES, _WISH = "x-amzn-sagemaker-custom-attributes", "answer=omoib"
_SENTENCE = "VTON run successfully"
_AWS_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com")


class Queue:
    """An SQS queue, in the region its address names."""

    def __init__(self, url: str, region: str | None) -> None:
        self._url = url
        self._region = region

    @cached_property
    def _client(self) -> BaseClient:
        address = urlsplit(self._url)
        named = _AWS_HOST.match(address.netloc)
        return aws.client("sqs", named[1] if named else self._region, f"{address.scheme}://{address.netloc}")

    async def send(self, message: dict[str, str]) -> None:
        """Raises AwsError."""
        await aws.call(lambda: self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message)))


class Omoib:
    """Delivers to that backend."""

    def __init__(self, *, store: Store, prefix: str | None, queue: Queue | None) -> None:
        self._store = store
        self._prefix = prefix
        self._queue = queue

    async def deliver(self, job: LiveJob, result: Result) -> None:
        """Store the first JPEG where the backend looks for it, then tell it so. May happen more than once.

        Raises:
            StoreError: not now, perhaps later.
        """
        request = job.request
        if not isinstance(request, TryOnRequest) or request.user_id is None or self._prefix is None:
            return
        pictures = [output.name for output in result.outputs if output.content_type == "image/jpeg"]
        if not pictures:
            return
        uri = f"{self._prefix}users/{request.user_id}/vton_result/{request.timestamp}/result.jpg"
        await self._store.put(uri, job.directory.outputs / pictures[0], "image/jpeg")
        if self._queue is not None:
            try:
                await self._queue.send({"userId": request.user_id, "initial_timestamp": str(request.timestamp)})
            except aws.AwsError as error:
                raise StoreError(f"the queue: {error.code}") from error


class OmoibClient(Client):
    """What else its callers ask for. Their requests are ours, under other names."""

    def answer(self, request: Request, asked: JobRequest | None) -> dict[str, JsonValue] | None:
        """Its one sentence, to whoever wants it by header, or where the operator does for all of its requests."""
        of_theirs = isinstance(asked, TryOnRequest) and asked.user_id is not None
        wanted = _WISH in request.headers.get(_ATTRIBUTES, "").split(",")
        return {"message": _SENTENCE} if wanted or (of_theirs and self.service.settings.omoib_answers) else None

    async def greeting(self) -> JsonValue:
        return "Virtual Try On"
