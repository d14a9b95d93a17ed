"""The networks of one published variant of CatVTON on the device, and what they make of pictures."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, TiledDecoder, draw_latents, fast_autoencoder
from model.diffusion.noise import Normal
from model.engines.catvton import checkpoint
from model.engines.catvton.fast_denoiser import fast_denoiser
from model.engines.catvton.latent_cache import LatentCache, Moments, digest
from model.engines.catvton.request import Variant
from model.engines.catvton.sampling import concatenation_axis, condition_rows
from model.runtime.device import Device
from model.runtime.warm_up import WarmCall
from model.tryon.pictures import TryOnTensors, image_tensor, without_masked


class CatVTONNetworks:
    """UNet and autoencoder. `TryOnTensors.mask` is None exactly for the mask-free variant."""

    def __init__(self, weights: Path, variant: Variant, device: Device, cache: LatentCache) -> None:
        self.variant = variant
        self.device = device
        self.latents = checkpoint.latents(weights, variant)
        self.noise_schedule = checkpoint.noise_schedule(weights, variant)
        unet = checkpoint.unet(weights, variant).load(device.weights_device, device.dtype)
        vae = fast_autoencoder(checkpoint.vae(weights, variant).load(device.weights_device, device.dtype))
        self.scaling_factor: float = vae.config.scaling_factor
        self.denoiser = device.batched(device.preparable(fast_denoiser(unet, len(self.noise_schedule.alphas))))
        self.encoder = device.batched(LatentEncoder(vae))
        self.decoder = device.batched(LatentDecoder(vae), fallback=TiledDecoder(vae))
        self._cache = cache

    async def encode(self, tensors: TryOnTensors, samples: int, posterior: Normal, *, guided: bool) -> Tensor:
        """Both pictures as the UNet sees them, see `condition_rows`.

        Each picture goes through the encoder at most once; every sample draws its own latents from what comes out.
        """
        device = self.device.torch_device
        person, mask = tensors.person, tensors.mask
        if mask is not None:
            person, mask = without_masked(person, mask), mask.to(device)
        moments = await self._moments([person, tensors.garment])
        person_latents, garment_latents = (
            self.scaling_factor * draw_latents(mean, logvar, posterior((samples, *mean.shape[1:])).to(device))
            for mean, logvar in moments
        )
        return condition_rows(person_latents, garment_latents, mask, guided=guided)

    async def start(self, picture: Image.Image, tensors: TryOnTensors) -> Tensor:
        """A dressed person beside the garment, as the likeliest clean latents, (1, C, ...)."""
        moments = await self._moments([image_tensor(picture), tensors.garment])
        axis = concatenation_axis(masked=tensors.mask is not None)
        return self.scaling_factor * torch.cat([mean for mean, _ in moments], dim=axis)

    async def _moments(self, pictures: Sequence[Tensor]) -> list[Moments]:
        """Mean and log-variance of the latents of each, from the cache if they are there."""
        if not self._cache.most_bytes:
            return await gather(*(self._encoded(picture) for picture in pictures))
        digests = await self.device.cpu(lambda: [digest(picture) for picture in pictures])
        return await gather(*(self._remembered(*both) for both in zip(pictures, digests, strict=True)))

    async def _remembered(self, picture: Tensor, digest: bytes) -> Moments:
        content = (self.variant, digest)
        moments = self._cache.get(content)
        if moments is None:
            moments = await self._encoded(picture, content, partial(self._cache.put, content))
        return moments

    async def _encoded(
        self, picture: Tensor, content: Hashable | None = None, keep: Callable[[Moments], None] = lambda moments: None
    ) -> Moments:
        on_device = picture.to(self.device.torch_device)
        moments: Moments = await self.encoder(on_device, content=content, on_answer=keep)
        return moments

    async def decode(self, latents: Tensor, on_tiles: Callable[[], None] = lambda: None) -> Tensor:
        """The person's half of (B, C, ...) latents as pictures: (B, 3, H, W), roughly in [-1, 1].

        `on_tiles` is told when memory is so short that they are decoded in tiles.
        """
        person, _ = latents.chunk(2, dim=concatenation_axis(masked=self.variant == "mask"))
        pictures: Tensor = await self.decoder(person / self.scaling_factor, on_fallback=on_tiles)
        return pictures

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        """The calls of a guided request for one sample."""
        device, stride = self.device.torch_device, self.latents.downsampling
        picture = torch.zeros((1, 3, height, width), device=device)
        latents = torch.zeros((1, self.latents.channels, height // stride, width // stride), device=device)
        mask = picture[:, :1] if self.variant == "mask" else None
        condition = condition_rows(latents, latents, mask, guided=True)
        both = torch.zeros((len(condition), self.latents.channels, *condition.shape[-2:]), device=device)
        timesteps = torch.zeros(len(condition), dtype=torch.int64, device=device)
        yield WarmCall(f"{self.variant} encoder", self.encoder, (picture,))
        yield WarmCall(f"{self.variant} denoiser", self.denoiser, (both, timesteps, condition))
        yield WarmCall(f"{self.variant} decoder", self.decoder, (latents,))
