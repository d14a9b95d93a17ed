"""What every avatar engine is built on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from model.avatar.pipeline import AvatarPipeline
from model.avatar.request import AvatarRequest, Stage
from model.engine import Choices, Job

R = TypeVar("R", bound=AvatarRequest)  # what the engine takes


class AvatarEngine(ABC, Generic[R]):
    """Going through the stages is here; an engine adds `pipeline`, `resident_bytes` and `warm_calls`."""

    name: ClassVar[str]
    Request: ClassVar[type[AvatarRequest]]

    @abstractmethod
    def pipeline(self, request: R, job: Job) -> AvatarPipeline:
        """The stages of one job. request: an instance of `Request`."""

    @abstractmethod
    def resident_bytes(self, request: R) -> int:
        """Device memory a job holds from its first to its last forward."""

    async def run(self, request: R, job: Job) -> None:
        """Leave `avatar.glb`, `body.json` and what else was asked for in the job's outputs.

        Raises:
            InputError: a photo cannot be used, or there is nothing to cut people out of photos with.
        """
        await self.run_from(request, job, "photos")

    async def run_from(self, request: R, job: Job, first: Stage) -> None:
        """The same from a later stage on; what those before it make must lie in the job's outputs."""
        await self.pipeline(request, job).run(first)

    def choices(self) -> Choices:
        return Choices()
