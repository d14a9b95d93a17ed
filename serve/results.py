"""The end of a computed job: its files go into the answer, or to storage, however long that takes."""

from __future__ import annotations

import asyncio
import base64
import logging

from serve.errors import IdInUse, Internal, NotStored, TooLarge
from serve.live_job import Answer, LiveJob
from serve.omoib import Omoib
from serve.store import MissingCredentialsError, Store, StoreError

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 60.0
_READ_PAUSES_S = (0.5, 2.0)
_FIND_S = 5.0  # looking for an earlier answer must not use up the time to compute one

log = logging.getLogger(__name__)


class Results:
    """Where answers come from: made of the files a worker left, or found where a container has stored them."""

    def __init__(self, *, store: Store, omoib: Omoib, max_inline_bytes: int) -> None:
        self._store = store
        self._omoib = omoib
        self._max_inline_bytes = max_inline_bytes

    async def find(self, job: LiveJob) -> Answer | None:
        """The answer that some container has stored for this id.

        Raises:
            IdInUse: it belongs to another request.
            NotStored: a result could not be stored either, so there is no use in computing it.
        """
        if job.prefix is None:
            return None
        try:
            async with asyncio.timeout(_FIND_S):
                manifest = await self._store.find(job.prefix, job.id)
        except MissingCredentialsError as error:
            raise NotStored(f"not computed, as it could not be stored: {error}") from None
        except (StoreError, TimeoutError):
            return None  # the upload will tell, with retries
        if manifest is not None and manifest["digest"] != job.digest:
            raise IdInUse(f"id '{job.id}' belongs to another request", field="id")
        stored: Answer | None = manifest and manifest["answer"]
        return stored

    async def deliver(self, job: LiveJob, answer: Answer) -> Answer:
        """Complete the answer with its files: as `data`, or as the `uri` they are stored at.

        Raises:
            TooLarge: too many bytes for an inline answer.
        """
        if job.prefix is None:
            await asyncio.to_thread(self._inline, job, answer)
            return answer
        return await self._store_for_sure(job, job.prefix, answer)

    def _inline(self, job: LiveJob, answer: Answer) -> None:
        size = sum(output["bytes"] for output in answer["outputs"])
        if self._max_inline_bytes and size * 4 / 3 > self._max_inline_bytes:
            detail = f"the result has {size} bytes, too many for an inline answer; name 'output.prefix' or use jpeg"
            raise TooLarge(detail, code="inline_too_large", field="output.inline")
        for output in answer["outputs"]:
            content = (job.directory.outputs / output["name"]).read_bytes()
            output["data"] = base64.b64encode(content).decode()

    async def _store_for_sure(self, job: LiveJob, prefix: str, answer: Answer) -> Answer:
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                return await self._store_once(job, prefix, answer)
            except StoreError as error:
                job.not_stored_because = str(error)
                log.warning("a result could not be stored yet", extra={"job": job.id, "reason": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_RETRY_S)

    async def _store_once(self, job: LiveJob, prefix: str, answer: Answer) -> Answer:
        for output in answer["outputs"]:
            output["uri"] = f"{prefix}{job.id}/{output['name']}"
            await self._store.put(output["uri"], job.directory.outputs / output["name"], output["content_type"])
        await self._omoib.deliver(job, answer)
        if await self._store.finish(prefix, job.id, {"digest": job.digest, "answer": answer}):
            return answer
        return await self.find(job) or answer

    async def bytes_of(self, answer: Answer, content_type: str) -> tuple[bytes, str]:
        """The first output of that media type (any image for `image/*`), and its exact type.

        Raises:
            NotStored: it is stored, but cannot be read now.
        """
        for output in answer["outputs"]:
            if output["content_type"].startswith(content_type.removesuffix("*")):
                if "data" in output:
                    return base64.b64decode(output["data"]), output["content_type"]
                if content := await self._read_again(output["uri"]):
                    return content, output["content_type"]
        raise Internal(f"there is no {content_type} among the stored results")

    async def _read_again(self, uri: str) -> bytes | None:
        reason = ""
        for pause_s in (0.0, *_READ_PAUSES_S):
            await asyncio.sleep(pause_s)
            try:
                return await self._store.read(uri)
            except StoreError as error:
                reason = str(error)
        raise NotStored(f"stored, but storage does not give it back now ({reason}); ask again", retry_after_s=10)
