"""The networks of one published variant of CatVTON on the device, and what they make of prepared pictures."""

from __future__ import annotations

from asyncio import gather
from pathlib import Path

from torch import Tensor

from model.catvton import checkpoint
from model.catvton.fast_denoiser import fast_denoiser
from model.catvton.pictures import Prepared, without_masked
from model.catvton.request import Variant
from model.catvton.sampling import Normal, concatenation_axis, condition_rows
from model.device import Device
from model.diffusion.autoencoder import Decoder, Encoder, draw_latents, fast_autoencoder


class Networks:
    """UNet and autoencoder. `prepared.mask` of what they are given is None exactly for the mask-free variant."""

    def __init__(self, weights: Path, variant: Variant, device: Device) -> None:
        self.variant = variant
        self.device = device
        self.latents = checkpoint.latents(weights, variant)
        self.noise_schedule = checkpoint.noise_schedule(weights, variant)
        unet = checkpoint.unet(weights, variant).load(device.home, device.dtype)
        vae = fast_autoencoder(checkpoint.vae(weights, variant).load(device.home, device.dtype))
        self.scaling_factor: float = vae.config.scaling_factor
        self.denoiser = device.batched(fast_denoiser(unet, len(self.noise_schedule.alphas)))
        self.encoder = device.batched(Encoder(vae))
        self.decoder = device.batched(Decoder(vae))

    async def encode(self, prepared: Prepared, samples: int, posterior: Normal, *, guided: bool) -> Tensor:
        """Both pictures as the UNet sees them, see `condition_rows`.

        Each picture goes through the encoder once; every sample draws its own latents from what comes out.
        """
        device = self.device.torch_device
        person, mask = prepared.person, prepared.mask
        if mask is not None:
            person, mask = without_masked(person, mask), mask.to(device)
        moments = await gather(self.encoder(person.to(device)), self.encoder(prepared.garment.to(device)))
        person_latents, garment_latents = (
            self.scaling_factor * draw_latents(mean, logvar, posterior((samples, *mean.shape[1:])).to(device))
            for mean, logvar in moments
        )
        return condition_rows(person_latents, garment_latents, mask, guided=guided)

    async def decode(self, latents: Tensor) -> Tensor:
        """The person's half of (B, C, ...) latents as pictures: (B, 3, H, W), roughly in [-1, 1]."""
        person, _ = latents.chunk(2, dim=concatenation_axis(masked=self.variant == "mask"))
        pictures: Tensor = await self.decoder(person / self.scaling_factor)
        return pictures
