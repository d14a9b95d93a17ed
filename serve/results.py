"""The end of a computed job: its files go into the answer, or to storage, however long that takes."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from serve.answers import Answer, InlineOutput, Notice, PresignedOutput, StoredOutput
from serve.errors import IdInUse, Internal, NoSuchJob, NotStored
from serve.inline import InlineLimit
from serve.live_job import LiveJob
from serve.marks import Result
from serve.store import Manifest, MissingCredentialsError, Store, StoreError

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 60.0  # pauses double: a hiccup is over at once, an outage costs a try a minute
_READ_PAUSES_S = (0.5, 2.0)  # somebody waits, so only twice more
_OTHERS_LOOKS, _OTHERS_PAUSE_S = 20, 0.5  # for what another container has begun to store
_FIND_S = 5.0  # looking for an earlier answer must not use up the time to compute one

log = logging.getLogger(__name__)


class Delivery(Protocol):
    """Whoever expects something beside the answer, before it is given."""

    async def deliver(self, job: LiveJob, result: Result) -> None:
        """May happen more than once. Raises `StoreError`: not now, perhaps later."""


class Results:
    """Where answers come from: made of the files a worker left, or found where a container has stored them."""

    def __init__(self, *, store: Store, deliveries: Sequence[Delivery] = (), max_inline_bytes: int) -> None:
        self._store = store
        self._deliveries = deliveries
        self.inline_limit = InlineLimit(max_inline_bytes)

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
                manifest = await self._store.find(job.prefix, job.name)
        except MissingCredentialsError as error:
            raise _not_computed(error) from None
        except (StoreError, TimeoutError):
            return None  # the upload will tell, with retries
        if manifest is None:
            return None
        if manifest.digest != job.digest:
            raise IdInUse(f"id '{job.id}' belongs to another request", field="id")
        return manifest.answer

    async def refuse_unsigned(self, job: LiveJob) -> None:
        """Ask, without a network, whether results could be stored at all.

        Raises:
            NotStored: there are no credentials.
        """
        if job.prefix is None:
            return
        try:
            await self._store.presigned(f"{job.prefix}{job.name}/", valid_s=60)
        except MissingCredentialsError as error:
            raise _not_computed(error) from None
        except StoreError:
            return  # the upload will tell, with retries

    async def deliver(self, job: LiveJob, result: Result, answer: Answer) -> Answer:
        """Complete the answer with its files: as `data`, or as the `uri` they are stored at.

        Raises:
            TooLarge: too many bytes for an inline answer.
        """
        if job.prefix is not None:
            return await self._store_for_sure(job, job.prefix, result, answer)
        inline, said = await asyncio.to_thread(self._inline, job, result)
        return answer.model_copy(update={"outputs": inline, "warnings": [*answer.warnings, *said]})

    def _inline(self, job: LiveJob, result: Result) -> tuple[list[InlineOutput], list[Notice]]:
        outputs, said = self.inline_limit.fitted(job, result.outputs)
        folder = job.directory.outputs
        return [InlineOutput(**output.model_dump(), data=base64_of(folder / output.name)) for output in outputs], said

    async def _store_for_sure(self, job: LiveJob, prefix: str, result: Result, answer: Answer) -> Answer:
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                return await self._store_once(job, prefix, result, answer)
            except StoreError as error:
                job.not_stored_because = str(error)
                log.warning("a result could not be stored yet", extra={"job": job.id, "reason": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_RETRY_S)

    async def _store_once(self, job: LiveJob, prefix: str, result: Result, answer: Answer) -> Answer:
        stored = [
            StoredOutput(**output.model_dump(), uri=f"{prefix}{job.name}/{output.name}") for output in result.outputs
        ]
        for place, output in enumerate(stored):
            file = job.directory.outputs / output.name
            # Whose first file is there first stores the others, too: files of two containers are never mixed.
            mine = await self._store.put(output.uri, file, output.content_type, new=place == 0)
            if not mine and (theirs := await self._of_another_container(job)):
                return theirs
            if not mine:  # of one that has died
                await self._store.put(output.uri, file, output.content_type)
        for delivery in self._deliveries:
            await delivery.deliver(job, result)
        answer = answer.model_copy(update={"outputs": stored})
        if await self._store.finish(prefix, job.name, Manifest(digest=job.digest, answer=answer)):
            job.stored_bytes = await asyncio.to_thread(_main_bytes, job, stored)
            return answer.model_copy(update={"outputs": await self._presigned(job, stored)})
        return await self.find(job) or answer

    async def _of_another_container(self, job: LiveJob) -> Answer | None:
        """The answer that another one is about to store for this id; None: it does not.

        Raises:
            IdInUse: it is to another request.
        """
        for _ in range(_OTHERS_LOOKS):
            if theirs := await self.find(job):
                return theirs
            await asyncio.sleep(_OTHERS_PAUSE_S)
        return None

    async def _presigned(self, job: LiveJob, stored: Sequence[StoredOutput]) -> list[StoredOutput]:
        """The outputs with addresses, if the request wants some. The manifest has none: they are for this client."""
        valid_s = job.request.output.presign_s
        urls = [await self._store.presigned(output.uri, valid_s) if valid_s else None for output in stored]
        return [
            PresignedOutput(**output.model_dump(), presigned_url=url) if url else output
            for output, url in zip(stored, urls, strict=True)
        ]

    async def bytes_of(
        self, answer: Answer, content_type: str, at_hand: Mapping[str, bytes] = MappingProxyType({})
    ) -> tuple[bytes, str]:
        """The first output of that media type, of pictures the first of any, and its exact type.

        Args:
            at_hand: what is stored under these addresses, and need not be read again.

        Raises:
            NotStored: it is stored, but cannot be read now.
        """
        # A picture that did not fit into the answer in the format it was made in is another kind of picture now.
        wanted = "image/" if content_type.startswith("image/") else content_type
        for output in answer.outputs:
            if output.content_type.startswith(wanted):
                if isinstance(output, InlineOutput):
                    return base64.b64decode(output.data), output.content_type
                if content := at_hand.get(output.uri) or await self._read_again(output.uri):
                    return content, output.content_type
        raise Internal(f"there is no {content_type} among the stored results")

    async def stored_bytes(self, uri: str) -> bytes:
        """What is stored there.

        Raises:
            NotStored: it cannot be read now.
            NoSuchJob: it is gone.
        """
        content = await self._read_again(uri)
        if content is None:
            raise NoSuchJob("the file is no longer where it was stored")
        return content

    async def _read_again(self, uri: str) -> bytes | None:
        reason = ""
        for pause_s in (0.0, *_READ_PAUSES_S):
            await asyncio.sleep(pause_s)
            try:
                return await self._store.read(uri)
            except StoreError as error:
                reason = str(error)
        raise NotStored(f"stored, but storage does not give it back now ({reason}); ask again", retry_after_s=10)


def _main_bytes(job: LiveJob, stored: Sequence[StoredOutput]) -> dict[str, bytes]:
    """The file that is the answer, if one is; the others of its media type are not asked for."""
    kinds = job.request.media_types if job.is_file else ()
    main = next((output for output in stored if output.content_type in kinds), None)
    return {} if main is None else {main.uri: (job.directory.outputs / main.name).read_bytes()}


def base64_of(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _not_computed(error: MissingCredentialsError) -> NotStored:
    return NotStored(f"not computed, as it could not be stored: {error}")
