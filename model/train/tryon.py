"""Training of CatVTON's UNet (arXiv 2407.15886), with masks and without."""

from __future__ import annotations

import asyncio
import hashlib

import torch
from PIL import Image
from torch import Generator, Tensor, nn

from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, draw_latents
from model.diffusion.ddim import DDIM
from model.diffusion.noise import seeded
from model.engines.catvton.denoiser import ConcatDenoiser
from model.engines.catvton.files import FOLDERS, VAE
from model.engines.catvton.sampling import concatenation_axis, condition_rows, mask_at, sample
from model.train.examples import Source, Triples, TryOnPictures
from model.train.journal import sheet
from model.train.latents import CachedLatents
from model.train.networks import autocast, autoencoder_variant, choose_trainable, load_autoencoder, load_unet, new_unet
from model.train.noise import Noising, draw_timesteps, weighted_mse
from model.train.output import VariantFolder
from model.train.settings import Training
from model.weights.layout import network_files


class TryOnTask:
    """Noise is predicted in person and garment side by side, as they are when sampling."""

    module: nn.Module

    def __init__(self, settings: Training, device: torch.device) -> None:
        if settings.start is None:
            raise ValueError("settings were not validated: start is None")
        self._settings = settings
        self._device = device
        self._start = settings.start
        vae = load_autoencoder(settings.start, settings.variant).to(device)
        self._encoder, self._decoder = LatentEncoder(vae), LatentDecoder(vae)
        self._scaling_factor: float = vae.config.scaling_factor
        self._channels: int = vae.config.latent_channels
        if settings.unet is None:
            self._begun = load_unet(settings.start, settings.variant)
        else:
            self._begun = new_unet(settings.unet, settings.variant, self._channels, settings.prediction_type)
        self._unet, self._schedule = self._begun.unet, self._begun.schedule
        if settings.gradient_checkpointing:
            self._unet.enable_gradient_checkpointing()
        choose_trainable(self._unet, settings.trainable)
        self.module = ConcatDenoiser(self._unet).train()
        self._axis = concatenation_axis(masked=settings.variant == "mask")
        self.source: Source[Triples] = self._source()

    def _source(self) -> Source[Triples]:
        settings = self._settings
        size = settings.width, settings.height
        masked = settings.loss_outside != 1
        self._pictures = TryOnPictures(settings.data, settings.split, size, settings.variant, masked=masked)
        if settings.latents is None:
            return self._pictures
        return CachedLatents.of(self._pictures, self.encoded, settings.latents, self._identity(), settings.batch_size)

    def _identity(self) -> str:
        """Changes when the latents would."""
        folder = self._start / FOLDERS[autoencoder_variant(self._start, self._settings.variant)] / VAE
        digest = hashlib.sha256(self._pictures.identity.encode())
        for file in network_files(folder):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    @torch.no_grad()
    def encoded(self, pictures: Triples) -> Triples:
        """Pictures (B, 3, H, W) as their latents' moments: mean and log-variance, (B, 2C, h, w). The mask as large."""
        pictures = pictures.to(self._device)
        all_three = torch.cat([pictures.target, pictures.condition, pictures.garment])
        with autocast(self._device, self._settings.mixed_precision):
            moments = torch.cat(self._encoder(all_three), dim=1)  # (3B, 2C, h, w)
        mask = None if pictures.mask is None else mask_at(pictures.mask, moments)
        target, condition, garment = moments.chunk(3)
        return Triples(target, condition, garment, mask)

    def loss(self, module: nn.Module, batch: Triples, generator: Generator) -> Tensor:
        """Of person and garment; a dropped garment is still to be found in the noise."""
        settings = self._settings
        moments = self._moments(batch)
        target, condition, garment = (
            self._drawn(moment, generator) for moment in (moments.target, moments.condition, moments.garment)
        )
        rows = len(target)
        kept = torch.rand((rows, 1, 1, 1), generator=generator, device=self._device) >= settings.condition_dropout
        mask = moments.mask if settings.variant == "mask" else None
        seen = condition_rows(condition, garment * kept, mask, guided=False)
        clean = torch.cat([target, garment], dim=self._axis)

        train_steps = len(self._schedule.alphas)
        timesteps = draw_timesteps(rows, train_steps, settings.timestep_power, generator)
        noise = torch.randn(clean.shape, generator=generator, device=self._device)
        noising = Noising(self._schedule, timesteps, clean, noise)
        if settings.dream is not None and settings.dreams:
            noising.dream(lambda noisy: module(noisy, timesteps, seen), settings.dream)
        prediction = module(noising.noisy, timesteps, seen)
        sample_weights = None if settings.min_snr is None else noising.min_snr(settings.min_snr)
        return weighted_mse(prediction, noising.target, sample_weights, self._weights(moments))

    def _moments(self, batch: Triples) -> Triples:
        return batch.to(self._device) if isinstance(self.source, CachedLatents) else self.encoded(batch)

    def _drawn(self, moments: Tensor, generator: Generator) -> Tensor:
        """Scaled latents (B, C, h, w) from moments (B, 2C, h, w)."""
        mean, logvar = moments.float().chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=generator, device=self._device)
        return self._scaling_factor * draw_latents(mean, logvar, noise)

    def _weights(self, moments: Triples) -> Tensor | None:
        """How much each place counts, person beside garment: (B, 1, 2h, w) or (B, 1, h, 2w)."""
        outside = self._settings.loss_outside
        if outside == 1 or moments.mask is None:
            return None
        mask = moments.mask.float()
        return torch.cat([mask + (1 - mask) * outside, torch.full_like(mask, outside)], dim=self._axis)

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """What is seen of the person, garment, result, truth; all through the autoencoder."""
        settings = self._settings
        moments = self._moments(self.source.batch(range(min(settings.pictures, len(self.source)))))
        target, condition, garment = (
            moment.float().chunk(2, dim=1)[0] * self._scaling_factor
            for moment in (moments.target, moments.condition, moments.garment)
        )
        mask = moments.mask if settings.variant == "mask" else None
        seen = condition_rows(condition, garment, mask, guided=settings.guidance > 1)
        result, _ = asyncio.run(self._sampled(seen, len(target))).chunk(2, dim=self._axis)
        return sheet([self._decoder(half / self._scaling_factor) for half in (condition, garment, result, target)])

    async def _sampled(self, seen: Tensor, rows: int) -> Tensor:
        """Latents (B, C, ...) by the sampler that requests are answered with."""

        async def network(latents: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
            prediction: Tensor = self.module(latents, timesteps, condition)
            return prediction

        settings = self._settings
        ddim = DDIM(self._schedule, settings.sampling_steps, settings.eta)
        noise = seeded(settings.seed, rows)
        async for _, latents in sample(network, ddim, seen, settings.guidance, noise, self._channels):
            last = latents
        return last

    def write(self) -> None:
        settings = self._settings
        dtype = torch.float16 if settings.half else torch.float32
        output = VariantFolder(settings.out, settings.variant, dtype, "python -m model train", self._begun.source)
        output.copy_autoencoder(self._start, autoencoder_variant(self._start, settings.variant))
        output.copy_mask_finders(self._start)
        output.write_schedule(self._begun.scheduler_config)
        if settings.trainable == "attn1" and self._begun.variant == settings.variant:
            output.copy_base(self._start)
            output.write_attention(self._unet)
        else:
            output.write_unet(self._unet)
        output.write_manifest(
            {
                "width": settings.width,
                "height": settings.height,
                "steps": settings.sampling_steps,
                "guidance": settings.guidance,
                "eta": settings.eta,
            }
        )
