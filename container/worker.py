"""The worker process: engines on one device, jobs from a socket, results into their directories.

It has no credentials and needs no network. It lives as long as its end of the socketpair is open.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import mimetypes
import os
import signal
import socket
from collections.abc import Mapping
from importlib import metadata, util
from pathlib import Path
from typing import NoReturn

from PIL import Image

from container.loading import load, shares_of
from container.memory import give_back_free_memory, keep_freed_memory
from container.messages import (
    Beat,
    Cancel,
    CannotStart,
    FromWorker,
    JobCancelled,
    JobDone,
    JobFailed,
    JobLive,
    JobProgress,
    Ready,
    Run,
    to_worker,
)
from container.settings import Settings
from model.codes import CommonCode
from model.engine import Engine, Job
from model.errors import DeviceLostError, EngineError
from model.request import Request
from model.runtime.device import Device
from model.runtime.errors import CrowdedError
from model.runtime.recent import Recent
from serve import log_ids
from serve.answers import Notice, OutputFile
from serve.errors import is_disk_full
from serve.marks import Accepted, Result
from serve.place import sync_file, sync_folder
from serve.spool import JobDirectory

# How the process ends, which its log says in words; 70 is EX_SOFTWARE of <sysexits.h>.
EXIT_FAILED = 1
EXIT_CANNOT_START = 3
EXIT_DEVICE_LOST = 70

_BEAT_S = 1.0  # between beats, by which the front knows that its event loop runs
_IDLE_BEATS = 2  # so many without work: a pause, in which memory can be given back
_NICENESS = 5  # /ping wins on small machines

log = logging.getLogger(__name__)
_MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".mtl": "model/mtl",
    ".obj": "model/obj",
    ".npz": "application/x-npz",
    ".ply": "model/ply",
    ".usdz": "model/vnd.usdz+zip",
    ".vrm": "model/gltf-binary",
    ".webp": "image/webp",
}
for _suffix, _media_type in _MEDIA_TYPES.items():
    mimetypes.add_type(_media_type, _suffix)


def main(settings: Settings, fd: int) -> NoReturn:
    """Serve jobs from the socket `fd` until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the front drains
    os.nice(_NICENESS)
    keep_freed_memory()
    Image.MAX_IMAGE_PIXELS = settings.max_pixels  # the front has refused what has more
    asyncio.run(_serve(settings, socket.socket(fileno=fd)))
    os._exit(0)


async def _serve(settings: Settings, connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    worker = Worker(settings, writer)
    try:
        async with asyncio.TaskGroup() as group:  # a worker that beats no more must not go on listening
            group.create_task(worker.start())
            async for line in reader:
                match to_worker.validate_json(line):
                    case Run(job=name, log_ids=ids):
                        worker.run(name, ids)
                    case Cancel(job=name):
                        worker.cancel(name)
            os._exit(0)  # the front is gone: nobody waits for anything any more
    except Exception:
        log.exception("the worker failed")
        os._exit(EXIT_FAILED)


class Worker:
    """The engines of one process and the jobs they are running."""

    def __init__(self, settings: Settings, writer: asyncio.StreamWriter) -> None:
        self._settings = settings
        self._writer = writer
        self._tasks: dict[str, asyncio.Task[JobDone | JobFailed]] = {}
        self._idle_beats = 0

    def send(self, message: FromWorker) -> None:
        """Tell the front. Lines are small and the front always reads, so nothing waits here."""
        self._writer.write(message.line())

    async def start(self) -> None:
        """Load the engines, say so, and beat from then on."""
        try:
            computer = await asyncio.to_thread(load, self._settings)
        except Exception as error:  # whatever it is, it must not leave a worker that is never ready
            foreseen = isinstance(error, EngineError)
            log.error("the worker could not start: %s", error, exc_info=None if foreseen else error)
            await self._leave(EXIT_DEVICE_LOST if "CUDA error" in str(error) else EXIT_CANNOT_START, str(error))
        self._device, self._engines, self._models = computer.device, computer.engines, computer.models
        self.send(Ready(models=dict(self._models), device=describe(self._device), backends=backends()))
        while True:
            await asyncio.sleep(_BEAT_S)
            self._beat()
            await self._rest()

    def _beat(self) -> None:
        stats = self._device.stats
        beat = Beat(
            forwards=stats.forwards,
            slowest_s=stats.slowest_s,
            rows=dict(stats.rows),
            device_bytes=bytes_in_use(self._device),
            cache=dict(Recent.lookups),
        )
        self.send(beat)

    async def _rest(self) -> None:
        self._idle_beats = 0 if self._tasks else self._idle_beats + 1
        if self._idle_beats == _IDLE_BEATS:
            await asyncio.to_thread(give_back_free_memory)

    async def _leave(self, code: int, reason: str) -> NoReturn:
        self.send(CannotStart(reason=reason.splitlines()[0] if reason else "no reason given"))
        await self._writer.drain()
        os._exit(code)

    def run(self, name: str, ids: Mapping[str, str]) -> None:
        """Start computing the job in directory `name`; `ids` are on each line that is logged of it."""
        self._idle_beats = 0
        task = self._tasks[name] = asyncio.create_task(self._compute(name, ids))
        task.add_done_callback(lambda task: self._end(name, task))

    def cancel(self, name: str) -> None:
        """Stop computing; the device is free of it at the next step."""
        if name in self._tasks:
            self._tasks[name].cancel()

    def _end(self, name: str, task: asyncio.Task[JobDone | JobFailed]) -> None:
        """Tell the front. Here and not in the task, which never runs when it is cancelled before it began."""
        del self._tasks[name]
        self.send(JobCancelled(job=name) if task.cancelled() else task.result())

    async def _compute(self, name: str, ids: Mapping[str, str]) -> JobDone | JobFailed:
        """Run the job; returns the device seconds it took, or what went wrong."""
        log_ids.about(**ids)
        try:
            return JobDone(job=name, device_s=await self._run_in(JobDirectory(self._settings.spool_dir / name)))
        except DeviceLostError as error:
            await self._leave(EXIT_DEVICE_LOST, error.message)
        except EngineError as error:
            return JobFailed(job=name, code=error.code, field=error.field, message=error.message)
        except OSError as error:
            log.exception("a job could not read or write its files", extra={"directory": name})
            code = CommonCode.DISK_FULL if is_disk_full(error) else CommonCode.INTERNAL
            return JobFailed(job=name, code=code, field=None, message="the job's files could not be written")
        except Exception:  # a bug of ours must not take the worker along
            log.exception("a job failed unexpectedly", extra={"directory": name})
            return JobFailed(job=name, code=CommonCode.INTERNAL, field=None, message="the engine failed unexpectedly")

    async def _run_in(self, directory: JobDirectory) -> float:
        """Compute one job directory and leave its `result.json`. Returns the device seconds it took."""
        accepted = directory.read(Accepted)
        if accepted is None:
            raise FileNotFoundError(directory.path)
        engine = self._engines[accepted.engine].engine
        request = engine.Request.model_validate(accepted.request)
        others = ((self._engines[name], part) for _, name, part in request.parts_of_others())
        parts = [(engine, request), *((other.engine, other.request(part)) for other, part in others)]
        resident_bytes = max(one.resident_bytes(asked) for one, asked in parts)  # it does one after the other
        try:
            return await self._attempt(engine, request, directory, resident_bytes)
        except CrowdedError:
            return await self._attempt(engine, request, directory, self._device.memory.total_bytes)

    async def _attempt(self, engine: Engine, request: Request, directory: JobDirectory, resident_bytes: int) -> float:
        outputs = directory.outputs
        outputs.mkdir(exist_ok=True)
        for leftover in outputs.iterdir():
            leftover.unlink()

        def on_progress(stage: str, done: int, total: int) -> None:
            progress = JobProgress(job=directory.name, stage=stage, done=done, total=total, device_s=account.device_s)
            self.send(progress)

        job = Job(
            {path.name: path for path in directory.inputs.iterdir()},
            outputs,
            max_output_pixels=self._settings.max_output_pixels,
            export_rig=self._settings.export_rig,
            engines=self._engines,
            on_progress=on_progress,
        )
        self._warn_of_weights(job, *request.engines())
        async with self._device.live(engine.name, resident_bytes) as account:
            self.send(JobLive(job=directory.name))
            await engine.run(request, job)
        job.close_stage()
        timings = {f"{stage}_s": seconds for stage, seconds in job.stage_seconds.items()}
        await self._device.cpu(lambda: finish(directory, job, timings | {"network_s": account.device_s}))
        return account.device_s

    def _warn_of_weights(self, job: Job, *engines: str) -> None:
        """Say where a result is no measure of what published weights can do."""
        models = [self._models[name] for name in engines]
        if any(model.demo for model in models):
            job.warn("demo_weights", "the built-in weights show how things work; published ones give better results")
        if any(model.untrained for model in models):
            job.warn("untrained", "the weights were never trained: the result has the right form and means nothing")


def finish(directory: JobDirectory, job: Job, timings: dict[str, float]) -> None:
    """Describe the files that a job has left, and mark it as computed."""
    files = results_first(directory.outputs)
    for file in files:
        sync_file(file)
    sync_folder(directory.outputs)
    warnings = [Notice.model_validate(warning) for warning in job.warnings]
    outputs = [describe_output(file) for file in files]
    result = Result(outputs=outputs, warnings=warnings, settings=job.settings, timings=timings)
    directory.mark(result)


def describe(device: Device) -> dict[str, str | int]:
    """What the engines run on, for people."""
    import torch

    from model.diffusion import attention_backends

    cuda = device.torch_device.type == "cuda"
    return {
        "name": torch.cuda.get_device_name(device.torch_device) if cuda else "cpu",
        "torch_device": str(device.torch_device),
        "dtype": str(device.dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "attention": attention_backends.describe(device.torch_device),
        **shares_of(device.memory),
    }


def bytes_in_use(device: Device) -> int:
    """Of a card's memory, by this process; of the host's, the front asks the system."""
    import torch

    return torch.cuda.memory_reserved(device.torch_device) if device.torch_device.type == "cuda" else 0


def backends() -> dict[str, str | None]:
    """The optional accelerated packages and their versions; None: not installed."""
    return {
        name: metadata.version(name) if util.find_spec(name) else None
        for name in ("xformers", "pytorch3d", "nvdiffrast")
    }


def results_first(outputs: Path) -> list[Path]:
    """A job's files by name, but what it was asked for comes before what goes with it."""
    return sorted(outputs.iterdir(), key=lambda path: (not path.name.startswith("result"), path.name))


def describe_output(path: Path) -> OutputFile:
    """Name, media type, size and hash of one finished file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return OutputFile(name=path.name, content_type=content_type, bytes=path.stat().st_size, sha256=digest)
