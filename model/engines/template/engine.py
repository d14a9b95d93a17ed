"""3D avatars by geometry first: photos of one person in, the person as a rigged, textured mesh out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from model.avatar.engine import AvatarEngine
from model.engine import Job
from model.engines.template.labels import CHANNELS
from model.engines.template.networks import TemplateNetworks
from model.engines.template.pipeline import SEEN_SIZE, TemplatePipeline
from model.engines.template.request import Request as TemplateRequest
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall

_FLOAT_BYTES = 4  # of float32


class Template(AvatarEngine[TemplateRequest]):
    """Every pixel of the photos finds its place on the body's or clothes' template; six views of the person in A pose
    gather their colours there, and the body is deformed until it looks like them."""

    name: ClassVar[str] = "template"
    Request: ClassVar[type[TemplateRequest]] = TemplateRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.networks = TemplateNetworks(weights, device)

    def pipeline(self, request: TemplateRequest, job: Job) -> TemplatePipeline:
        return TemplatePipeline(self.networks, request, job)

    def resident_bytes(self, request: TemplateRequest) -> int:
        """The photos' labels."""
        return label_bytes(request.most_photos)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        """None: photos have one size, whatever is asked for."""
        yield from ()


def label_bytes(photos: int) -> int:
    """What the labels of so many photos take."""
    return photos * SEEN_SIZE**2 * CHANNELS * _FLOAT_BYTES
