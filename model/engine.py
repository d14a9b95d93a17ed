"""What every pipeline is written with: `Engine`, which computes, and `Job`, one request to compute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from model.request import Request

if TYPE_CHECKING:
    from model.runtime.device import Device
    from model.runtime.warm_up import WarmCall

OnProgress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True)
class Loaded:
    """An engine that is there, and what its pack wants requests to have where they say nothing."""

    engine: Engine
    defaults: Mapping[str, int | float] = field(default_factory=dict)

    def request(self, body: Mapping[str, object]) -> Request:
        """`body` as its request."""
        return self.engine.Request.model_validate(body, context=self.defaults)


class Job:
    """One request being computed: files in, files out, and what to tell the outside meanwhile.

    Args:
        inputs: input name (`person`, `garments.upper`) -> a file holding the bytes as the client sent them.
        outputs: an existing, empty folder. Every file left in it is a result, named as the client will see it.
        max_output_pixels: no picture written may have more.
        export_rig: whether avatars may carry skeleton and weights, which derive from the body model's data.
        engines: by name, who can be asked to do a part of it, such as one layer of an outfit.
        on_progress: called with (stage, done, total) on the event loop's thread.
    """

    def __init__(
        self,
        inputs: Mapping[str, Path],
        outputs: Path,
        *,
        max_output_pixels: int = 2**25,
        export_rig: bool = True,
        engines: Mapping[str, Loaded] | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.max_output_pixels = max_output_pixels
        self.export_rig = export_rig
        self.engines = engines or {}
        self.warnings: list[dict[str, str]] = []
        self.settings: dict[str, str] = {}  # what the answer says of how it was computed, beside the request's own
        self.stage_seconds: dict[str, float] = {}
        self._on_progress = on_progress
        self._stage: str | None = None
        self._stage_since = time.monotonic()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Say that `done` of `total` steps of `stage` are behind us. The first word of a stage starts its clock."""
        if stage != self._stage:
            self.close_stage()
            self._stage = stage
        if self._on_progress is not None:
            self._on_progress(stage, done, total)

    def warn(self, code: str, message: str) -> None:
        """Tell the client, once, something that did not stop the job."""
        if (warning := {"code": code, "message": message}) not in self.warnings:
            self.warnings.append(warning)

    def warn_of_tiles(self) -> None:
        """Tell the client that memory was too short for the exact result."""
        message = "memory was short: the result was decoded in tiles, which changes it slightly"
        self.warn("decoded_in_tiles", message)

    def close_stage(self) -> None:
        """Book the time since the last change of stage under the stage that ends now."""
        now = time.monotonic()
        if self._stage is not None:
            self.stage_seconds[self._stage] = self.stage_seconds.get(self._stage, 0.0) + now - self._stage_since
        self._stage, self._stage_since = None, now


@dataclass(frozen=True)
class Choices:
    """What these weights have of what a request may choose from."""

    variants: Sequence[str] = ()
    mask_makers: Sequence[str] = ()  # who finds where to paint; none: a mask must be sent


class Engine(Protocol):
    """A pipeline. It is built once per worker, from a folder of weights, and then runs many jobs at once.

    `run` is plain sequential code on the event loop. It awaits the device for everything heavy, draws all its
    randomness from generators of its own, and raises `model.errors.EngineError` for what the client should know.
    """

    name: ClassVar[str]
    Request: ClassVar[type[Request]]

    def __init__(self, weights: Path, device: Device) -> None: ...

    async def run(self, request: Any, job: Job) -> None:
        """Compute `request` (an instance of `Request`) and leave the results in `job.outputs`."""

    def choices(self) -> Choices:
        """What a client can choose here, for `/api/models`."""

    def resident_bytes(self, request: Any) -> int:
        """Device memory this job holds from its first to its last forward."""

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        """One call of each network that requests of this size make, as one alone makes it; none if there are no such.

        It is made on the device's thread, before there are jobs.
        """
