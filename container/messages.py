"""What front and worker say to each other: one JSON object a line over a socketpair, told apart by `do` and `event`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from serve.workers import LoadedEngine

MOST_LINE_BYTES = 2**20  # a line has some kilobytes: more is a fault, and ends the worker


class Message(BaseModel):
    """Base of all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def line(self) -> bytes:
        """As it goes over the socket."""
        return self.model_dump_json().encode() + b"\n"


# -- to the worker --------------------------------------------------------------------------------------------


class Run(Message):
    """Compute the job in this directory of the spool."""

    do: Literal["run"] = "run"
    job: str
    log_ids: dict[str, str] = {}


class Cancel(Message):
    """Stop computing it; `JobCancelled` follows, or how it ended before."""

    do: Literal["cancel"] = "cancel"
    job: str


# -- from the worker ------------------------------------------------------------------------------------------


class Ready(Message):
    """The engines are loaded: jobs may come."""

    event: Literal["ready"] = "ready"
    models: dict[str, LoadedEngine]
    device: dict[str, str | int]
    backends: dict[str, str | None]


class CannotStart(Message):
    """The last words of a worker that ends."""

    event: Literal["cannot_start"] = "cannot_start"
    reason: str


class Beat(Message):
    """Every second: forwards so far, the slowest of them, how many had how many rows; memory; what caches knew."""

    event: Literal["beat"] = "beat"
    forwards: int
    slowest_s: float
    rows: dict[int, int]
    device_bytes: int = 0  # of the device's memory that are in use; 0: the device is the host
    cache: dict[bool, int] = {}  # whether something was remembered -> how often


class JobLive(Message):
    """The device's memory has room for it: it runs."""

    event: Literal["live"] = "live"
    job: str


class JobProgress(Message):
    """A step is behind it. `device_s`: its share of the device's time so far."""

    event: Literal["progress"] = "progress"
    job: str
    stage: str
    done: int
    total: int
    device_s: float


class JobDone(Message):
    """Its `result.json` is there."""

    event: Literal["done"] = "done"
    job: str
    device_s: float


class JobFailed(Message):
    """It has no result. `code` is one of its engine's."""

    event: Literal["failed"] = "failed"
    job: str
    code: str
    field: str | None
    message: str


class JobCancelled(Message):
    """As it was asked to be."""

    event: Literal["cancelled"] = "cancelled"
    job: str


ToWorker = Run | Cancel
AboutJob = JobLive | JobProgress | JobDone | JobFailed | JobCancelled
FromWorker = Ready | CannotStart | Beat | AboutJob

to_worker: TypeAdapter[ToWorker] = TypeAdapter(Annotated[ToWorker, Field(discriminator="do")])
from_worker: TypeAdapter[FromWorker] = TypeAdapter(Annotated[FromWorker, Field(discriminator="event")])
