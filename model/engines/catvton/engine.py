"""Virtual try-on: a photo, garments and perhaps a mask in, the photo wearing them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from PIL import Image

from model.codes import CommonCode
from model.engine import Choices, Job, OnProgress
from model.engines.catvton.codes import CatVTONCode
from model.engines.catvton.files import variants
from model.engines.catvton.latent_cache import LatentCache
from model.engines.catvton.memory import resident_bytes
from model.engines.catvton.networks import CatVTONNetworks
from model.engines.catvton.pipeline import paint
from model.engines.catvton.request import Request as CatVTONRequest
from model.engines.catvton.request import Variant
from model.errors import InputError
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from model.tryon.engine import TryOnEngine
from model.tryon.painter import Pass


class CatVTON(TryOnEngine):
    """CatVTON: person and garment latents, side by side, painted by one UNet."""

    name: ClassVar[str] = "catvton"
    Request: ClassVar[type[CatVTONRequest]] = CatVTONRequest

    def __init__(self, weights: Path, device: Device) -> None:
        super().__init__(weights, device)
        cache = LatentCache(device.config.latent_cache_bytes, device.config.latent_cache_s)
        self.networks = {variant: CatVTONNetworks(weights, variant, device, cache) for variant in variants(weights)}

    def check(self, request: CatVTONRequest) -> None:
        variant = self.variant(request)
        if variant not in self.networks:
            message = f"variant '{variant}' is not loaded, only {', '.join(self.networks)}"
            raise InputError(message, code=CatVTONCode.VARIANT_NOT_LOADED, field="variant")
        if variant == "maskfree" and request.return_mask:
            raise InputError("variant 'maskfree' uses no mask", code=CommonCode.INVALID_FIELD, field="return_mask")
        if variant == "maskfree" and request.init == "warp":
            raise InputError("'init' warp is for variant 'mask'", code=CommonCode.INVALID_FIELD, field="init")

    def variant(self, request: CatVTONRequest) -> Variant:
        """The variant asked for, else the preferred one that is there."""
        preferred, *_ = self.networks
        return request.variant or preferred

    def masked(self, request: CatVTONRequest) -> bool:
        return self.variant(request) == "mask"

    async def paint(
        self, dressing: Pass, request: CatVTONRequest, seed: int, samples: int, job: Job, progress: OnProgress
    ) -> list[Image.Image]:
        return await paint(self.networks[self.variant(request)], dressing, request, seed, samples, job, progress)

    def choices(self) -> Choices:
        return Choices(list(self.networks), list(self.masker.makers))

    def resident_bytes(self, request: CatVTONRequest) -> int:
        variant = self.variant(request)
        if variant not in self.networks:
            return 0  # `run` refuses it
        return resident_bytes(request, self.networks[variant].latents)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        for networks in self.networks.values():
            yield from networks.warm_calls(width, height)
