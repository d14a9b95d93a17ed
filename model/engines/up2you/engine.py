"""3D avatars: loose photos of one person in, the person as a rigged, textured mesh out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from model.avatar.request import MAX_PHOTOS, Stage
from model.engine import Choices, Job
from model.engines.up2you.networks import UP2YouNetworks
from model.engines.up2you.pipeline import UP2YouPipeline
from model.engines.up2you.request import SIZES
from model.engines.up2you.request import Request as UP2YouRequest
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall


class UP2You:
    """UP2You (arXiv 2509.24817): six views of the person in A pose, and the body deformed until it looks like them."""

    name: ClassVar[str] = "up2you"
    Request: ClassVar[type[UP2YouRequest]] = UP2YouRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.networks = UP2YouNetworks(weights, device)

    async def run(self, request: UP2YouRequest, job: Job) -> None:
        """Leave `avatar.glb`, `body.json` and what else was asked for in the job's outputs.

        Raises:
            InputError: a photo cannot be used, or there is nothing to cut people out of photos with.
        """
        await self.run_from(request, job, "photos")

    async def run_from(self, request: UP2YouRequest, job: Job, first: Stage) -> None:
        """The same from a later stage on; what those before it make must lie in the job's outputs."""
        await UP2YouPipeline(self.networks, request, job).run(first)

    def choices(self) -> Choices:
        return Choices()

    def resident_bytes(self, request: UP2YouRequest) -> int:
        """What the views hold; the mesh and its pictures are small beside it. Of a folder, as many photos as may be."""
        photos = len(request.photos) if request.photos is not None else MAX_PHOTOS
        return self.networks.views.resident_bytes(request.size, request.size, photos)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        if width == height and width in SIZES:
            yield from self.networks.views.warm_calls(width)
