"""Both view loops of the avatar as scripts would have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file
from torch import Generator, Tensor

from bench.plain.stock import autoencoder, fill, without_memory
from model.avatar.feature_selector import FeatureSelector
from model.engines.up2you.files import SCHEDULER, UNET, VAE
from model.engines.up2you.views import weights as view_weights
from model.engines.up2you.views.adapters import ViewStage
from model.engines.up2you.views.denoiser import CELL, VIEWS
from model.engines.up2you.views.plain_views import PlainViews
from model.engines.up2you.views.prompts import prompt_states
from model.engines.up2you.views.reference_states import level_sizes
from model.engines.up2you.views.weights import NOISE_SHIFT
from model.weights.layout import tensor_file

# One layer's states of all photos, (photos, H, W, C) -> the tokens each view may look at, (6, k, C).
Select = Callable[[Tensor], Tensor]


class PlainAvatar:
    """Stock UNet, autoencoder and scheduler; of one step, the plain form in `engines/up2you/views/plain_views.py`.

    Args:
        weights: a folder in the published layout.
        device, dtype: of the weights and of everything that is computed.
    """

    def __init__(self, weights: Path, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.unet = without_memory(UNet2DConditionModel, weights / UNET)
        fill(self.unet, load_file(tensor_file(weights / UNET)), device, dtype)
        self.vae = autoencoder(weights / VAE, device, dtype)
        self.vae.enable_slicing()
        self.scheduler = shifted_scheduler(weights)
        self.states = {stage: states.to(device, dtype) for stage, states in prompt_states(weights).items()}
        self.adapters = {
            stage: view_weights.adapter(weights, stage, self.unet).load(device, dtype) for stage in self.states
        }

    def rgb(
        self, references: Tensor, weight_maps: Tensor, poses: Tensor, *, steps: int, guidance: float, seed: int
    ) -> Tensor:
        """Six views of the person: takes and returns what `ViewGenerator.rgb` does, for square pictures."""
        select = FeatureSelector(weight_maps.to(self.device))
        return self._paint("rgb", references, poses, select, steps, guidance, seed)

    def normals(self, rgb_views: Tensor, poses: Tensor, *, steps: int, guidance: float, seed: int) -> Tensor:
        """Their normals."""
        return self._paint("normals", rgb_views, poses, lambda states: states.flatten(1, 2), steps, guidance, seed)

    @torch.no_grad()
    def _paint(
        self,
        stage: ViewStage,
        references: Tensor,
        poses: Tensor,
        select: Select,
        steps: int,
        guidance: float,
        seed: int,
    ) -> Tensor:
        generator = Generator().manual_seed(seed)

        def noise(rows: int) -> Tensor:
            cells = poses.shape[-2] // CELL, poses.shape[-1] // CELL
            return torch.randn((rows, 4, *cells), generator=generator).to(self.device)

        views = PlainViews(self.unet, self.adapters[stage], self.states[stage])
        latents, posterior = noise(VIEWS), noise(len(references))
        moments = self.vae.encode(self._here(2 * references - 1)).latent_dist
        photos = self.vae.config.scaling_factor * (moments.mean + moments.std * posterior.to(self.dtype))
        sizes = level_sizes((photos.shape[-2], photos.shape[-1]), len(self.unet.config.block_out_channels))
        tokens = [select(as_picture(states, sizes)) for states in views.reference_states(photos)]
        residuals = self.adapters[stage].encoder(self._here(poses))

        self.scheduler.set_timesteps(steps, device=self.device)
        for timestep in self.scheduler.timesteps:  # in float32, in which the scheduler draws what it adds
            prediction = views.predict(latents.to(self.dtype), timestep.expand(VIEWS), residuals, tokens).float()
            without, conditional = prediction.chunk(2)
            prediction = without + guidance * (conditional - without)
            latents = self.scheduler.step(prediction, timestep, latents, generator=generator).prev_sample
        painted: Tensor = self.vae.decode(self._here(latents / self.vae.config.scaling_factor)).sample
        return (painted / 2 + 0.5).clamp(0, 1).float().cpu()

    def _here(self, pictures: Tensor) -> Tensor:
        return pictures.to(self.device, self.dtype)


def as_picture(states: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
    """Tokens as they lie in the picture, (photos, H * W, C) -> (photos, H, W, C)."""
    height, width = next((height, width) for height, width in sizes if height * width == states.shape[1])
    return states.view(len(states), height, width, -1)


def shifted_scheduler(weights: Path) -> Any:
    """The stock DDPM on the published schedule, whose last timestep has `NOISE_SHIFT` times less signal to noise.

    ln(snr) goes linearly in time from its own value to that of snr / `NOISE_SHIFT`.
    """
    config = DDPMScheduler.load_config((weights / SCHEDULER).parent, local_files_only=True)
    own: Any = DDPMScheduler.from_config(config)
    kept = own.alphas_cumprod.double().numpy()
    snr = kept / (1 - kept) * NOISE_SHIFT ** -np.linspace(0, 1, len(kept))
    kept = snr / (1 + snr)
    betas = 1 - kept / np.concatenate([[1.0], kept[:-1]])
    return DDPMScheduler.from_config(config, trained_betas=betas.tolist())
