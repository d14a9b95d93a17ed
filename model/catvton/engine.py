"""Virtual try-on: a photo, a garment and a mask in, the photo wearing the garment out."""

from __future__ import annotations

from asyncio import gather
from pathlib import Path
from typing import ClassVar

from PIL import Image
from torch import Tensor

from model.catvton import checkpoint
from model.catvton.denoiser import Denoiser
from model.catvton.pictures import Prepared, picture_of, prepare, without_masked
from model.catvton.reading import Inputs, read_inputs
from model.catvton.repaint import paste_back
from model.catvton.request import Request as TryOnRequest
from model.catvton.sampling import Normal, condition_rows, sample, seeded
from model.catvton.writing import colour_profile, save_results, shrink
from model.device import Device
from model.diffusion.autoencoder import Decoder, Encoder, draw_latents
from model.diffusion.schedule import DDIM
from model.engine import Job


class TryOn:
    """CatVTON: person and garment latents, one above the other, painted by one inpainting UNet."""

    name: ClassVar[str] = "tryon"
    Request: ClassVar[type[TryOnRequest]] = TryOnRequest

    def __init__(self, weights: Path, device: Device) -> None:
        self.device = device
        self.noise_schedule = checkpoint.noise_schedule(weights)
        unet = checkpoint.unet(weights).load(device.torch_device, device.dtype)
        vae = checkpoint.vae(weights).load(device.torch_device, device.dtype)
        self.scaling_factor: float = vae.config.scaling_factor
        self.denoiser = device.batched(Denoiser(unet))
        self.encoder = device.batched(Encoder(vae))
        self.decoder = device.batched(Decoder(vae))

    async def run(self, request: TryOnRequest, job: Job) -> None:
        """Leave `result.png`, `result_1.png`, ... (or `jpg`, `webp`) in the job's outputs.

        Raises:
            InputError: a picture cannot be used.
        """
        # The published code, told to repeat itself, draws the two from generators of their own and equal seed.
        posterior, noise = seeded(request.seed, request.samples), seeded(request.seed, request.samples)
        ddim = DDIM(self.noise_schedule, request.steps, request.eta)

        job.progress("prepare", 0, 1)
        inputs = await self.device.cpu(lambda: read_inputs(request, job.inputs))
        size = request.width, request.height
        prepared = await self.device.cpu(lambda: prepare(inputs.photo, inputs.garment, inputs.mask, size))

        job.progress("encode", 0, 1)
        condition = await self.encode(prepared, request.samples, posterior, guided=request.guidance > 1)

        job.progress("denoise", 0, request.steps)
        async for done, latents in sample(self.denoiser, ddim, condition, request.guidance, noise):  # noqa: B007
            job.progress("denoise", done, request.steps)

        job.progress("decode", 0, 1)
        painted = await self.decode(latents)

        job.progress("save", 0, 1)
        await self.device.cpu(lambda: finish(request, job, inputs, painted))
        job.progress("save", 1, 1)

    async def encode(self, prepared: Prepared, samples: int, posterior: Normal, *, guided: bool) -> Tensor:
        """Both pictures as the UNet sees them: (R, 5, 2h, w), see `condition_rows`.

        Each picture goes through the encoder once; every sample draws its own latents from what comes out.
        """
        device = self.device.torch_device
        person = without_masked(prepared.person, prepared.mask).to(device)
        moments = await gather(self.encoder(person), self.encoder(prepared.garment.to(device)))
        person_latents, garment_latents = (
            self.scaling_factor * draw_latents(mean, logvar, posterior((samples, *mean.shape[1:])).to(device))
            for mean, logvar in moments
        )
        return condition_rows(person_latents, garment_latents, prepared.mask.to(device), guided=guided)

    async def decode(self, latents: Tensor) -> Tensor:
        """The person's half of (B, 4, 2h, w) latents as pictures: (B, 3, H, W), roughly in [-1, 1]."""
        person, _ = latents.chunk(2, dim=-2)
        pictures: Tensor = await self.decoder(person / self.scaling_factor)
        return pictures

    def resident_bytes(self, request: TryOnRequest) -> int:
        """Every row's condition, input latents and prediction, every sample's latents, noise and picture; float32."""
        rows = request.samples * (2 if request.guidance > 1 else 1)
        cells = 2 * (request.height // 8) * (request.width // 8)
        latents = cells * (rows * (5 + 4 + 4) + request.samples * (4 + 4 + 4))
        pictures = 3 * request.height * request.width * (2 + request.samples)
        return 4 * (latents + pictures)


def finish(request: TryOnRequest, job: Job, inputs: Inputs, painted: Tensor) -> None:
    """Turn the decoder's (B, 3, H, W) into the job's output files."""

    def result(tensor: Tensor) -> Image.Image:
        picture = picture_of(tensor)
        if request.repaint:
            return paste_back(inputs.photo, picture, inputs.mask, job.max_output_pixels)
        return shrink(picture, job.max_output_pixels)

    results = [result(tensor) for tensor in painted.cpu()]
    save_results(results, job.outputs, request.output.format, colour_profile(inputs.photo))
