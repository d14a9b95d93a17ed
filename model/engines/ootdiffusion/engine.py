"""OOTDiffusion: a photo, garments and perhaps a mask in, the photo wearing them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from PIL import Image

from model.engine import Choices, Job, OnProgress
from model.engines.ootdiffusion.codes import OOTDiffusionCode
from model.engines.ootdiffusion.memory import resident_bytes
from model.engines.ootdiffusion.networks import OOTDiffusionNetworks
from model.engines.ootdiffusion.pipeline import paint
from model.engines.ootdiffusion.request import Request as OOTDiffusionRequest
from model.engines.ootdiffusion.request import Variant, default_variant
from model.errors import InputError
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from model.tryon.engine import TryOnEngine
from model.tryon.maskers.makers import MakerName
from model.tryon.painter import Pass
from model.tryon.request import Category


class OOTDiffusion(TryOnEngine):
    """Two UNets: one looks at the garment once, the other paints and sees in every block what the first saw."""

    name: ClassVar[str] = "ootdiffusion"
    Request: ClassVar[type[OOTDiffusionRequest]] = OOTDiffusionRequest
    mask_makers: ClassVar[Sequence[MakerName]] = ("pose", "published", "parser")

    def __init__(self, weights: Path, device: Device) -> None:
        super().__init__(weights, device)
        self.networks = OOTDiffusionNetworks(weights, device)

    def check(self, request: OOTDiffusionRequest) -> None:
        for category in request.own_categories():
            if category == "auto":  # is asked again when it is known
                continue
            if (variant := self.variant(request, category)) not in self.networks.variants:
                message = f"variant '{variant}' is not loaded, only {', '.join(self.networks.variants)}"
                raise InputError(message, code=OOTDiffusionCode.VARIANT_NOT_LOADED, field="variant")

    def variant(self, request: OOTDiffusionRequest, category: Category) -> Variant:
        """The variant asked for, else the one for a garment of this category."""
        return request.variant or default_variant(category, list(self.networks.variants))

    def stretches(self, request: OOTDiffusionRequest) -> bool:
        return request.reference

    async def paint(
        self, dressing: Pass, request: OOTDiffusionRequest, seed: int, samples: int, job: Job, progress: OnProgress
    ) -> list[Image.Image]:
        variant = self.variant(request, dressing.category)
        return await paint(self.networks, variant, dressing, request, seed, samples, job, progress)

    def choices(self) -> Choices:
        return Choices(list(self.networks.variants), list(self.masker.makers))

    def resident_bytes(self, request: OOTDiffusionRequest) -> int:
        first, *_ = self.networks.variants.values()
        return resident_bytes(request, first.stock, self.device.dtype)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        yield from self.networks.warm_calls(width, height)
