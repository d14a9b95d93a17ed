"""`job:ID`: a file of an earlier job as an input, for as long as that job's answer is kept here."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

from pydantic import ValidationError

from serve.answers import AnswerOutput, InlineOutput
from serve.errors import InputUnavailable, Invalid
from serve.marks import Settled
from serve.spool import Spool
from serve.store import Store, StoreError

SCHEME = "job"


class EarlierJobs:
    """Where an input's bytes are that a job has made, whether they lie in its answer or are stored."""

    def __init__(self, spool: Spool, store: Store, max_bytes: int) -> None:
        self._spool = spool
        self._store = store
        self._max_bytes = max_bytes

    async def copy(self, field: str, reference: str, name: str, to: Path) -> None:
        """Write what a reference names, `job:ID` with the file `name`, or `job:ID/file`.

        Raises:
            Invalid, InputUnavailable: it names no file of a job that has ended well and is still known.
        """
        job_id, _, named = reference.removeprefix(f"{SCHEME}:").partition("/")
        if not job_id:
            raise Invalid(f"'{field}' names no job: write job:ID", field=field)
        output = self._output(field, job_id, named or name)
        if output.bytes > self._max_bytes:
            raise InputUnavailable(f"'{field}' is larger than {self._max_bytes} bytes", field=field)
        await asyncio.to_thread(to.write_bytes, await self._content(field, output))

    def _output(self, field: str, job_id: str, name: str) -> AnswerOutput:
        try:
            settled = self._spool.directory(job_id).read(Settled)
        except ValidationError:
            settled = None
        if settled is None or settled.answer is None:
            raise InputUnavailable(f"'{field}': no job '{job_id}' has ended well lately", field=field)
        names = {output.name: output for output in settled.answer.outputs}
        if name not in names:
            raise InputUnavailable(f"'{field}': job '{job_id}' has no '{name}', but {', '.join(names)}", field=field)
        return names[name]

    async def _content(self, field: str, output: AnswerOutput) -> bytes:
        if isinstance(output, InlineOutput):
            return base64.b64decode(output.data)
        try:
            content = await self._store.read(output.uri)
        except StoreError as error:
            detail = f"'{field}' could not be read from where it is stored: {error}"
            raise InputUnavailable(detail, field=field, retryable=True) from None
        if content is None:
            raise InputUnavailable(f"'{field}' is no longer where it was stored", field=field)
        return content
