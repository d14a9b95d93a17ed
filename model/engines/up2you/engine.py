"""3D avatars: loose photos of one person in, the person as a rigged, textured mesh out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from model.avatar.engine import AvatarEngine
from model.engine import Job
from model.engines.up2you.networks import UP2YouNetworks
from model.engines.up2you.pipeline import UP2YouPipeline
from model.engines.up2you.request import SIZES
from model.engines.up2you.request import Request as UP2YouRequest
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall


class UP2You(AvatarEngine[UP2YouRequest]):
    """UP2You (arXiv 2509.24817): six views of the person in A pose, and the body deformed until it looks like them."""

    name: ClassVar[str] = "up2you"
    Request: ClassVar[type[UP2YouRequest]] = UP2YouRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.networks = UP2YouNetworks(weights, device)

    def pipeline(self, request: UP2YouRequest, job: Job) -> UP2YouPipeline:
        return UP2YouPipeline(self.networks, request, job)

    def resident_bytes(self, request: UP2YouRequest) -> int:
        """What the views hold; the mesh and its pictures are small beside it."""
        return self.networks.views.resident_bytes(request.size, request.size, request.most_photos)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        if width == height and width in SIZES:
            yield from self.networks.views.warm_calls(width)
