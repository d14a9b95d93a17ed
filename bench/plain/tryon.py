"""The mask-based try-on as a script would have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Generator, Tensor

from bench.plain.stock import autoencoder, tryon_unet
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, attention_file
from model.tryon.pictures import TryOnTensors

_PERSON_AND_GARMENT = -2  # one above the other

Normal = Callable[[torch.Size], Tensor]


class PlainTryOn:
    """Stock UNet, autoencoder and scheduler.

    Args:
        weights: a folder in the published layout; `config.json` and `scheduler_config.json` say what the networks are.
        device, dtype: of the weights and of everything that is computed.
    """

    def __init__(self, weights: Path, device: torch.device, dtype: torch.dtype) -> None:
        folder = weights / FOLDERS["mask"]
        self.device, self.dtype = device, dtype
        self.unet = tryon_unet(folder / UNET, load_file(attention_file(weights)), device, dtype)
        self.vae = autoencoder(folder / VAE, device, dtype)
        self.scheduler: Any = DDIMScheduler.from_pretrained((folder / SCHEDULER).parent, local_files_only=True)

    @torch.no_grad()
    def __call__(
        self, prepared: TryOnTensors, *, seed: int, steps: int, guidance: float, eta: float = 1.0
    ) -> NDArray[np.uint8]:
        """The dressed person, (H, W, 3). Draws what a try-on of this seed draws, in float32 on the host."""
        posterior, noise = self.normal(seed), self.normal(seed)
        condition = self.encode(prepared, posterior, guided=guidance > 1)
        latents = self.denoise(condition, noise, steps=steps, guidance=guidance, eta=eta)
        [pixels] = (self.decode(latents) / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()
        painted: NDArray[np.uint8] = (pixels * 255).round().astype(np.uint8)
        return painted

    def normal(self, seed: int) -> Normal:
        """Standard normal numbers from a generator of its own."""
        generator = Generator().manual_seed(seed)
        return lambda shape: torch.randn(shape, generator=generator).to(self.device, self.dtype)

    @torch.no_grad()
    def encode(self, prepared: TryOnTensors, posterior: Normal, *, guided: bool) -> Tensor:
        """Beside the noise: the mask, and the person above the garment; (1 or 2, 1 + C, 2h, w)."""
        if prepared.mask is None:
            raise ValueError("the plain try-on needs a mask, got None")
        masked = prepared.person * (prepared.mask < 0.5)
        person, garment = (self._latents(picture, posterior) for picture in (masked, prepared.garment))
        mask = F.interpolate(prepared.mask.to(self.device, self.dtype), person.shape[-2:], mode="nearest")
        mask = torch.cat([mask, torch.zeros_like(mask)], dim=_PERSON_AND_GARMENT)
        with_garment = torch.cat([person, garment], dim=_PERSON_AND_GARMENT)
        if not guided:
            return torch.cat([mask, with_garment], dim=1)
        without = torch.cat([person, torch.zeros_like(garment)], dim=_PERSON_AND_GARMENT)
        return torch.cat([torch.cat([mask] * 2), torch.cat([without, with_garment])], dim=1)

    def _latents(self, picture: Tensor, posterior: Normal) -> Tensor:
        moments = self.vae.encode(picture.to(self.device, self.dtype)).latent_dist
        latents: Tensor = self.vae.config.scaling_factor * (moments.mean + moments.std * posterior(moments.mean.shape))
        return latents

    @torch.no_grad()
    def denoise(self, condition: Tensor, noise: Normal, *, steps: int, guidance: float, eta: float = 1.0) -> Tensor:
        """The latents after the last step, (1, C, 2h, w)."""
        self.scheduler.set_timesteps(steps, device=self.device)
        latents = noise(torch.Size((1, self.vae.config.latent_channels, *condition.shape[-2:])))
        for timestep in self.scheduler.timesteps:
            both = torch.cat([latents] * len(condition))
            seen = torch.cat([self.scheduler.scale_model_input(both, timestep), condition], dim=1)
            prediction = self.unet(seen, timestep, encoder_hidden_states=None, return_dict=False)[0]
            if guidance > 1:
                without, with_garment = prediction.chunk(2)
                prediction = without + guidance * (with_garment - without)
            fresh = noise(latents.shape) if eta > 0 else None
            latents = self.scheduler.step(prediction, timestep, latents, eta=eta, variance_noise=fresh).prev_sample
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """The upper half as a picture, (1, 3, H, W), roughly in [-1, 1]."""
        person, _ = latents.chunk(2, dim=_PERSON_AND_GARMENT)
        picture: Tensor = self.vae.decode(person / self.vae.config.scaling_factor).sample
        return picture
