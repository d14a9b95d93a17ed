"""Training of OOTDiffusion (arXiv 2403.01779): noise is predicted with the garment in sight, now and then with none."""

from __future__ import annotations

import asyncio

import torch
from PIL import Image
from torch import Generator, Tensor

from model.diffusion.autoencoder import LatentDecoder, LatentEncoder, draw_latents
from model.diffusion.unipc import UniPC
from model.engines.ootdiffusion import checkpoint
from model.engines.ootdiffusion.prompts import ImageEncoder, Prompts, restore_positions
from model.engines.ootdiffusion.sampling import sample
from model.train.journal import sheet
from model.train.networks import autocast
from model.train.noise import draw_timesteps, weighted_mse
from model.train.outfitting.networks import OutfittingUNets
from model.train.outfitting.output import write_unets
from model.train.outfitting.settings import OutfittingTraining
from model.train.outfitting.source import OutfittingBatch, OutfittingPictures

_HOST = torch.device("cpu")


class OutfittingTask:
    """Both UNets are trained, or the garment's alone; autoencoder and CLIP stay as they are."""

    def __init__(self, settings: OutfittingTraining, device: torch.device) -> None:
        if settings.start is None:
            raise ValueError("settings were not validated: start is None")
        self._settings, self._device, start = settings, device, settings.start
        self.source = OutfittingPictures(
            settings.data, settings.split, (settings.width, settings.height), settings.variant
        )
        vae = checkpoint.vae(start).load(device, torch.float32)
        self._encoder, self._decoder = LatentEncoder(vae), LatentDecoder(vae)
        self._scaling_factor: float = vae.config.scaling_factor
        clip = checkpoint.image_encoder(start).load(device, torch.float32)
        text_encoder = checkpoint.text_encoder(start).load(_HOST, torch.float32)
        for encoder in (clip, text_encoder):
            restore_positions(encoder)
        self._image_encoder = ImageEncoder(clip)
        self._prompts = Prompts(text_encoder, start)
        self._sigmas = checkpoint.sigmas(start)
        self._alphas = torch.from_numpy(1 / (1 + self._sigmas.of_timesteps**2)).float().to(device)
        garment, denoiser = (
            checkpoint.unet(start, settings.variant, name).load(_HOST, torch.float32)
            for name in checkpoint.INPUT_CHANNELS
        )
        self.module = OutfittingUNets(garment, denoiser).train()
        self.module.choose_trainable(settings.trainable)

    def loss(self, module: torch.nn.Module, batch: OutfittingBatch, generator: Generator) -> Tensor:
        """The mean squared error of the noise."""
        batch = batch.to(self._device)
        (mean, logvar), masked, garment, prompt = self._encoded(batch)
        rows, device = len(mean), self._device
        posterior, noise = (torch.randn(mean.shape, generator=generator, device=device) for _ in range(2))
        clean = self._scaling_factor * draw_latents(mean, logvar, posterior)
        kept = torch.rand((rows, 1, 1, 1), generator=generator, device=device) >= self._settings.garment_dropout
        timesteps = draw_timesteps(rows, len(self._alphas), 1.0, generator)
        alphas = self._alphas[timesteps][:, None, None, None]
        noisy = alphas**0.5 * clean + (1 - alphas) ** 0.5 * noise
        return weighted_mse(module(garment * kept, prompt, noisy, timesteps, masked), noise, None, None)

    @torch.no_grad()
    def _encoded(self, batch: OutfittingBatch) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor, Tensor]:
        """The person's moments, the likeliest latents of what is seen of them and of the garment, and the prompt."""
        with autocast(self._device, self._settings.mixed_precision):
            all_three = torch.cat([batch.person, batch.masked, batch.garment])
            mean, logvar = (moment.float() for moment in self._encoder(all_three))
            images = self._image_encoder(batch.pixels).float()
        person, masked, garment = mean.chunk(3)
        one_by_one = zip(batch.categories, images.split(1), strict=True)
        prompt = torch.cat([self._prompts(self._settings.variant, category, image) for category, image in one_by_one])
        return (person, logvar.chunk(3)[0]), masked, garment, prompt

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """What is seen of the person, garment, result, truth; the result as requests have it."""
        settings = self._settings
        batch = self.source.batch(range(min(settings.pictures, len(self.source)))).to(self._device)
        result = asyncio.run(self._sampled(batch))
        return sheet([batch.masked, batch.garment, self._decoder(result / self._scaling_factor), batch.person])

    async def _sampled(self, batch: OutfittingBatch) -> Tensor:
        """Latents (B, 4, h, w) by the sampler that requests are answered with; nothing is known of the photo."""
        (mean, _), masked, garment, prompt = self._encoded(batch)
        guided = self._settings.guidance > 1
        garments = [garment, torch.zeros_like(garment)] if guided else [garment]

        async def denoise(latents: Tensor, timestep: int) -> Tensor:
            timesteps = torch.full((len(latents),), timestep, device=self._device)
            halves = [self.module(one, prompt, latents, timesteps, masked) for one in garments]
            return torch.stack(halves, dim=1)

        noise = torch.randn(mean.shape, generator=Generator().manual_seed(self._settings.seed)).to(self._device)
        everywhere = torch.ones_like(mean[:, :1])
        sampler = UniPC(self._sigmas, self._settings.sampling_steps)
        async for _, latents in sample(denoise, sampler, self._settings.guidance, mean, everywhere, noise):
            last = latents
        return last

    def write(self) -> None:
        write_unets(self.module, self._settings)
