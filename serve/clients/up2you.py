"""Clients of a digital twin around UP2You: a folder of photos in, a folder with the avatar out, on the service's disk.

Its `POST /api/jobs` is ours, told apart by `data_dir`; such a job is told of in its words.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from pydantic import BaseModel, JsonValue

from model.request import MAX_FOLDER_FILES
from serve.addresses import lies_under, path_of
from serve.answers import Answer, Notice, ProblemDetails, StoredOutput
from serve.body import RequestBody
from serve.clients import up2you_flags as flags
from serve.clients.client import Client
from serve.clients.records import Records
from serve.clients.service import Service
from serve.clients.shapes import in_their_words, their_name
from serve.clients.up2you_log import follow
from serve.codes import FrontCode
from serve.errors import InputUnavailable, Invalid, NoSuchJob, Problem
from serve.live_job import LiveJob
from serve.stray_files import is_stray

ENGINE, SUFFIX = "up2you", ".up2you"

_KNOWN = ("data_dir", "output_dir", "extra_args")
_NAMES = {"data_dir": "photos_prefix", "output_dir": "output.prefix"}
_FORMATS = ["glb", "obj"]  # it made an OBJ, and everybody else reads a GLB

log = logging.getLogger(__name__)


class TwinRecord(BaseModel):
    """What is remembered of a job."""

    data_dir: str
    output_dir: str | None
    log_file: str | None  # None: results do not go to a folder
    warnings: list[Notice]


class UP2YouClient(Client):
    """Its jobs. The engine is UP2You where it is loaded, else whoever makes avatars."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        for_s = service.kept_s + service.job_deadline_s
        self._records = Records(service.folder, SUFFIX, TwinRecord, for_s=for_s)
        self._following: set[asyncio.Task[None]] = set()

    def take_up(self) -> None:
        for sentence in flags.not_read(os.environ):
            log.warning("%s", sentence)
        for id, record in self._records:
            self._follow(id, record)

    async def take_job(self, body: RequestBody, request: Request) -> dict[str, JsonValue] | None:
        if "data_dir" not in body.fields:
            return None
        id = str(uuid.uuid4())
        fields, record = await self._asked(id, body.fields)
        await self._records.keep(id, record)
        try:
            await self.service.handed_in(RequestBody.of(fields))
        except Problem as problem:
            problem.detail, problem.field = in_their_words(problem, _NAMES), their_name(problem.field, _NAMES)
            raise
        self._follow(id, record)
        return self._told(id, record)

    async def _asked(self, id: str, given: dict[str, object]) -> tuple[dict[str, object], TwinRecord]:
        """Fields of our request, and what is to be remembered."""
        strange = next((name for name in given if name not in _KNOWN), None)
        if strange is not None:
            raise Invalid(f"'{strange[:60]}': there is no such field, only {', '.join(_KNOWN)}", field=strange)
        settings = self.service.settings
        data = _folder(given["data_dir"], settings.up2you_data_dir, "data_dir")
        out = given.get("output_dir", settings.up2you_output_dir)
        prefix = None if out is None else _folder(out, settings.up2you_output_dir, "output_dir")
        extra, notices = flags.read(given.get(flags.FIELD))
        fields: dict[str, object] = {
            "type": "avatar",
            **self.service.engine_or_default(ENGINE),
            "id": id,
            "formats": _FORMATS,
            "turntable": True,
            **extra,
            **await self._photos(data),
            "output": {} if prefix is None else {"prefix": prefix},
        }
        logged = str(path_of(f"{prefix}{id}.log")) if prefix is not None and prefix.startswith("file:///") else None
        record = TwinRecord(
            data_dir=_shown(data), output_dir=prefix and _shown(prefix), log_file=logged, warnings=notices
        )
        return fields, record

    async def _photos(self, data: str) -> dict[str, object]:
        """As references, in the order of their names."""
        if data.startswith("s3://"):
            return {"photos_prefix": data}
        settings = self.service.settings
        if not settings.allow_file_uris or not lies_under(data, settings.input_allow):
            detail = "'data_dir' must lie under a file:/// prefix of INPUT_ALLOW, with ALLOW_FILE_URIS=1"
            raise Invalid(detail, field="data_dir", code=FrontCode.INPUT_NOT_ALLOWED)
        try:
            names = await asyncio.to_thread(_files_in, path_of(data))
        except OSError:
            raise InputUnavailable("'data_dir' is no folder that can be read", field="data_dir") from None
        if not names:
            raise InputUnavailable("there is no picture in 'data_dir'", field="data_dir")
        if len(names) > MAX_FOLDER_FILES:
            detail = f"there are more than {MAX_FOLDER_FILES} pictures in 'data_dir'"
            raise Invalid(detail, field="data_dir", code=FrontCode.TOO_MANY_INPUTS)
        return {"photos": [data + quote(name) for name in names]}

    def _follow(self, id: str, record: TwinRecord) -> None:
        """Write the log of a job that has not ended."""
        try:
            job = self.service.jobs.find(id)
        except NoSuchJob:
            return
        if isinstance(job, LiveJob) and record.log_file is not None:
            task = asyncio.create_task(follow(self.service.jobs, job, Path(record.log_file)))
            self._following.add(task)
            task.add_done_callback(self._following.discard)

    def job(self, job_id: str) -> dict[str, JsonValue] | None:
        record = self._records.find(job_id)
        return None if record is None else self._told(job_id, record)

    def _told(self, id: str, record: TwinRecord) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {
            "job_id": id,
            "data_dir": record.data_dir,
            "output_dir": record.output_dir,
            "log_file": record.log_file,
            "warnings": [notice.message for notice in record.warnings],
            "outputs": [],
            "error": None,
        }
        match self.service.jobs.find(id):
            case LiveJob() as job:
                progress = self.service.jobs.progress_of(job)
                stage: JsonValue = {"stage": progress.stage, "done": progress.done, "total": progress.total}
                return told | {"status": job.state, "progress": stage}
            case Answer() as answer:
                files: list[JsonValue] = [
                    _shown(output.uri) if isinstance(output, StoredOutput) else output.name for output in answer.outputs
                ]
                return told | {"status": "completed", "outputs": files}
            case ProblemDetails() as problem:
                return told | {"status": "failed", "error": problem.detail}

    async def health(self) -> dict[str, JsonValue]:
        state = self.service.health.state()
        return {"status": "healthy" if state == "ready" else state, "jobs_waiting": self.service.jobs.waiting()}


def _folder(given: object, root: str | None, field: str) -> str:
    """A path or an address as the address of a folder. What is no whole path is one under `root`.

    Raises:
        Invalid: it is neither.
    """
    if not isinstance(given, str) or not given.strip():
        raise Invalid(f"'{field}' must be the path of a folder", field=field)
    if given.startswith(("s3://", "file:///")):
        return f"{given.rstrip('/')}/"
    if not given.startswith("/") and root is None:
        raise Invalid(f"'{field}' must be a whole path, or UP2YOU_{field.upper()} be set", field=field)
    return f"file://{quote(str(Path(root or '/', given)))}/"


def _shown(address: str) -> str:
    """A folder or file of this machine as its path."""
    return str(path_of(address)) if address.startswith("file:///") else address


def _files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.is_file() and not is_stray(file.name))
