"""The log file of a digital twin's job, beside its results: a line whenever it comes further."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

from serve.errors import as_problem
from serve.jobs import Jobs
from serve.live_job import LiveJob

log = logging.getLogger(__name__)


async def follow(jobs: Jobs, job: LiveJob, file: Path) -> None:
    """Write it until the job has ended. A disk that does not take it is no reason to stop the job."""
    before = ""
    async for progress in jobs.watch(job, job.task):
        line = f"{progress.stage} {progress.done}/{progress.total}"
        if line != before:
            await _append(file, line)
        before = line
    await _append(file, _end(job.task))


def _end(task: asyncio.Task[object]) -> str:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "completed" if error is None else f"failed: {_sentence(error)}"


def _sentence(error: BaseException) -> str:
    return as_problem(error).detail if isinstance(error, Exception) else type(error).__name__


async def _append(file: Path, line: str) -> None:
    try:
        await asyncio.to_thread(_append_now, file, line)
    except OSError as error:
        log.warning("a job's log file cannot be written", extra={"reason": error.strerror})


def _append_now(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n")
