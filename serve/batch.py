"""`application/jsonlines`: one request a line in, one answer a line out, in the same order. Made for batch transform.

A line that fails says so in its place and does not fail the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from serve.answers import Answer, FailedLine
from serve.body import RequestBody, read_bytes
from serve.errors import DeadlinePassed, as_problem
from serve.hang_up import CLIENT_GONE, unless_gone
from serve.intake import Intake
from serve.jobs import Jobs

JSON_LINES = ("application/jsonlines", "application/x-ndjson", "application/x-jsonlines", "application/json-lines")

_PLATFORM_MB = 100  # SageMaker wants MaxConcurrentTransforms x MaxPayloadInMB to be no more


@dataclass(frozen=True)
class Batch:
    """Files of requests and what they need."""

    intake: Intake
    jobs: Jobs
    folder: Path  # where answers wait for the last of them
    deadline_s: float  # of a file
    lines_at_once: int

    async def __call__(self, request: Request) -> Response:
        self.jobs.refuse_unless_open()
        lines = split_lines(await read_bytes(request, self.intake.max_body_bytes))
        answers = Answers(len(lines), self.folder)
        work = self._answer_all(lines, answers, request.state.request_id)
        try:
            done = await unless_gone(request, work)
        except BaseException:
            answers.close()
            raise
        if done is None:
            answers.close()
            return Response(status_code=CLIENT_GONE)
        headers = {"Content-Length": str(answers.bytes)}  # an asynchronous endpoint refuses chunks
        return StreamingResponse(answers.read(), media_type=JSON_LINES[0], headers=headers)

    async def _answer_all(self, lines: list[bytes], answers: Answers, request_id: str) -> bool:
        ends = time.monotonic() + self.deadline_s
        numbered = iter(enumerate(lines))

        async def one_after_another() -> None:
            for index, line in numbered:
                answers.put(index, await self._answer(line, ends, request_id))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.lines_at_once):
                    group.create_task(one_after_another())
        except ExceptionGroup as errors:  # the disk does not take the answers
            raise errors.exceptions[0] from None
        return True

    async def _answer(self, line: bytes, ends: float, request_id: str) -> Answer | FailedLine:
        named = None
        try:
            body = await RequestBody.parse(line)
            named = body.fields.get("id")
            return await self._result(body, ends - time.monotonic())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this line's
            details = as_problem(error).details(request_id)
            return FailedLine(id=named if isinstance(named, str) else None, problem=details)

    async def _result(self, body: RequestBody, left_s: float) -> Answer:
        if left_s <= 0:
            raise DeadlinePassed(f"the file was not done within {self.deadline_s:g} s")
        taken = await self.intake.submit(body, self.deadline_s)
        if isinstance(taken.job, Answer):
            return taken.job
        return await self.jobs.wait(taken.job, min(taken.deadline_s, left_s))


def execution_parameters(max_body_bytes: int, max_live_jobs: int) -> dict[str, int | str]:
    """What `/execution-parameters` tells the platform: as large and as many files as we take."""
    megabytes = min(max(max_body_bytes // 2**20, 1), _PLATFORM_MB)
    return {
        "MaxConcurrentTransforms": min(max_live_jobs, _PLATFORM_MB // megabytes),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": megabytes,
    }


def split_lines(raw: bytes) -> list[bytes]:
    """Every line, blank ones too; a newline at the end begins no further one."""
    return raw.removesuffix(b"\n").split(b"\n") if raw else []


class Answers:
    """The answers of one file, in its order. On disk: pictures of hundreds of lines would not fit into memory."""

    def __init__(self, count: int, folder: Path) -> None:
        self.bytes = 0
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed when it is read
        self._places = [(0, 0)] * count

    def put(self, index: int, answer: Answer | FailedLine) -> None:
        """Keep the answer to line `index`."""
        line = answer.model_dump_json().encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        self._places[index] = (self.bytes, len(line))
        self.bytes += len(line)

    def close(self) -> None:
        """Erase them unread."""
        with contextlib.suppress(OSError):  # of what a full disk has not taken
            self._file.close()

    def read(self) -> Iterator[bytes]:
        """All of them, once."""
        with self._file as file:
            for start, size in self._places:
                file.seek(start)
                yield file.read(size)
