"""What every avatar engine is built on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from model.avatar.pipeline import AvatarPipeline
from model.avatar.request import AvatarRequest, Stage
from model.engine import Choices, Job


class AvatarEngine(ABC):
    """Going through the stages is here; an engine adds `pipeline`, `resident_bytes` and `warm_calls`."""

    name: ClassVar[str]
    Request: ClassVar[type[AvatarRequest]]

    @abstractmethod
    def pipeline(self, request: Any, job: Job) -> AvatarPipeline:
        """The stages of one job. request: an instance of `Request`."""

    @abstractmethod
    def resident_bytes(self, request: Any) -> int:
        """Device memory a job holds from its first to its last forward."""

    async def run(self, request: AvatarRequest, job: Job) -> None:
        """Leave `avatar.glb`, `body.json` and what else was asked for in the job's outputs.

        Raises:
            InputError: a photo cannot be used, or there is nothing to cut people out of photos with.
        """
        await self.run_from(request, job, "photos")

    async def run_from(self, request: AvatarRequest, job: Job, first: Stage) -> None:
        """The same from a later stage on; what those before it make must lie in the job's outputs."""
        await self.pipeline(request, job).run(first)

    def choices(self) -> Choices:
        return Choices()
