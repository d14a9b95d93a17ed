"""Virtual try-on: a photo, a garment and a mask in, the photo wearing the garment out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from PIL import Image
from torch import Tensor

from model.catvton.files import variants
from model.catvton.networks import Networks
from model.catvton.pictures import picture_of, prepare
from model.catvton.reading import Inputs, read_inputs
from model.catvton.repaint import paste_back
from model.catvton.request import Request as TryOnRequest
from model.catvton.sampling import sample, seeded
from model.catvton.writing import colour_profile, save_results, shrink
from model.device import Device
from model.diffusion.schedule import DDIM
from model.engine import Job
from model.errors import InputError


class TryOn:
    """CatVTON: person and garment latents, side by side, painted by one UNet."""

    name: ClassVar[str] = "tryon"
    Request: ClassVar[type[TryOnRequest]] = TryOnRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.networks = {variant: Networks(weights, variant, device) for variant in variants(weights)}

    async def run(self, request: TryOnRequest, job: Job) -> None:
        """Leave `result.png`, `result_1.png`, ... (or `jpg`, `webp`) in the job's outputs.

        Raises:
            InputError: a picture cannot be used, or the variant asked for is not there.
        """
        networks = self.chosen(request)
        job.progress("prepare", 0, 1)
        inputs = await self.device.cpu(lambda: read_inputs(request, job.inputs))
        if networks.variant == "maskfree":
            inputs = without_mask(inputs, job)
        elif inputs.mask is None:
            raise InputError("variant 'mask' needs a mask", code="no_automask", field="mask")
        painted = await self.paint(networks, request, inputs, job)
        job.progress("save", 0, 1)
        await self.device.cpu(lambda: finish(request, job, inputs, painted))
        job.progress("save", 1, 1)

    def chosen(self, request: TryOnRequest) -> Networks:
        """The variant asked for, else the preferred one that is there."""
        if request.variant is None:
            return next(iter(self.networks.values()))
        if request.variant not in self.networks:
            message = f"variant '{request.variant}' is not loaded, only {', '.join(self.networks)}"
            raise InputError(message, code="variant_not_loaded", field="variant")
        return self.networks[request.variant]

    async def paint(self, networks: Networks, request: TryOnRequest, inputs: Inputs, job: Job) -> Tensor:
        """The dressed person as the decoder gives it: (samples, 3, height, width), roughly in [-1, 1]."""
        # The published code, told to repeat itself, draws the two from generators of their own and equal seed.
        posterior, noise = seeded(request.seed, request.samples), seeded(request.seed, request.samples)
        ddim = DDIM(networks.noise_schedule, request.steps, request.eta)
        size = request.width, request.height
        prepared = await self.device.cpu(lambda: prepare(inputs.photo, inputs.garment, inputs.mask, size))

        job.progress("encode", 0, 1)
        condition = await networks.encode(prepared, request.samples, posterior, guided=request.guidance > 1)

        job.progress("denoise", 0, request.steps)
        async for done, latents in sample(networks.denoiser, ddim, condition, request.guidance, noise):  # noqa: B007
            job.progress("denoise", done, request.steps)

        job.progress("decode", 0, 1)
        return await networks.decode(latents)

    def resident_bytes(self, request: TryOnRequest) -> int:
        """Every row's condition, input latents and prediction, every sample's latents, noise and picture; float32."""
        rows = request.samples * (2 if request.guidance > 1 else 1)
        cells = 2 * (request.height // 8) * (request.width // 8)
        latents = cells * (rows * (5 + 4 + 4) + request.samples * (4 + 4 + 4))
        pictures = 3 * request.height * request.width * (2 + request.samples)
        return 4 * (latents + pictures)


def without_mask(inputs: Inputs, job: Job) -> Inputs:
    """What the mask-free variant is shown."""
    if inputs.mask is not None:
        job.warn("mask_unused", "the mask was not used: variant 'maskfree' paints the whole picture")
    return replace(inputs, mask=None)


def finish(request: TryOnRequest, job: Job, inputs: Inputs, painted: Tensor) -> None:
    """Turn the decoder's (B, 3, H, W) into the job's output files."""

    def result(tensor: Tensor) -> Image.Image:
        picture = picture_of(tensor)
        if request.repaint:
            return paste_back(inputs.photo, picture, inputs.mask, job.max_output_pixels)
        return shrink(picture, job.max_output_pixels)

    results = [result(tensor) for tensor in painted.cpu()]
    save_results(results, job.outputs, request.output.format, colour_profile(inputs.photo))
