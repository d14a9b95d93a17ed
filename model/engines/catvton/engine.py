"""Virtual try-on: a photo, garments and perhaps a mask in, the photo wearing them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from model.engine import Job, WarmCall
from model.engines.catvton.files import variants
from model.engines.catvton.latent_cache import LatentCache
from model.engines.catvton.memory import resident_bytes
from model.engines.catvton.networks import Networks
from model.engines.catvton.pipeline import TryOnPipeline
from model.engines.catvton.request import Request as TryOnRequest
from model.errors import InputError
from model.runtime.device import Device
from model.tryon.masker import Masker
from model.tryon.reading import read_inputs
from model.tryon.writing import OMOIB_QUALITY, QUALITY, Album


class TryOn:
    """CatVTON: person and garment latents, side by side, painted by one UNet."""

    name: ClassVar[str] = "catvton"
    Request: ClassVar[type[TryOnRequest]] = TryOnRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        cache = LatentCache(device.config.latent_cache_bytes, device.config.latent_cache_s)
        self.networks = {variant: Networks(weights, variant, device, cache) for variant in variants(weights)}
        self.masker = Masker(weights, device)

    async def run(self, request: TryOnRequest, job: Job) -> None:
        """Leave `result.png`, `result_1.png`, ... (or `jpg`, `webp`) in the job's outputs, and what else was asked for.

        Raises:
            InputError: a picture cannot be used, or the weights for what was asked for are not there.
        """
        networks = None if request.mask_only else self.chosen(request)
        job.progress("prepare", 0, 1)
        inputs = await self.device.cpu(lambda: read_inputs(request, job.inputs))
        quality = request.output.quality or (QUALITY if request.user_id is None else OMOIB_QUALITY)
        album = Album(inputs.photo, request.output.format, job.outputs, job.max_output_pixels, quality)
        if networks is None:
            job.progress("mask", 0, 1)
            mask = await self.masker(inputs.photo, request.category)
            await self.device.cpu(lambda: album.save_mask(mask, "mask", request.output.format))
        else:
            fitting = TryOnPipeline(networks, self.masker, request, job, album)
            await (fitting.dress_in_layers(inputs) if request.layers else fitting.dress(inputs))
        job.progress("save", 1, 1)

    def chosen(self, request: TryOnRequest) -> Networks:
        """The variant asked for, else the preferred one that is there."""
        variant = request.variant or next(iter(self.networks))
        if variant not in self.networks:
            message = f"variant '{variant}' is not loaded, only {', '.join(self.networks)}"
            raise InputError(message, code="variant_not_loaded", field="variant")
        if variant == "maskfree" and request.return_mask:
            raise InputError("variant 'maskfree' uses no mask", code="invalid_field", field="return_mask")
        return self.networks[variant]

    def resident_bytes(self, request: TryOnRequest) -> int:
        variant = request.variant or next(iter(self.networks))
        if variant not in self.networks:
            return 0  # `run` refuses it
        return resident_bytes(request, self.networks[variant].latents)

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        for networks in self.networks.values():
            yield from networks.warm_calls(width, height)
