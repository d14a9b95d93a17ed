"""Outfitting fusion as it was published: tokens beside each other, and half of what comes out thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from PIL import Image
from safetensors.torch import load_file
from torch import Generator, Tensor

from bench.plain.stock import autoencoder, fill, without_memory
from model.diffusion.unet_forward import transformer_blocks
from model.engines.ootdiffusion.checkpoint import image_encoder, text_encoder
from model.engines.ootdiffusion.files import SCHEDULER, VAE, unet_folder
from model.engines.ootdiffusion.pictures import PassPictures
from model.engines.ootdiffusion.prompts import Prompts, clip_pixels, restore_positions
from model.tryon.pictures import image_tensor
from model.weights.layout import tensor_file


class Beside(AttnProcessor2_0):  # type: ignore[misc]
    """Self-attention of a photo's tokens beside a garment's, of which the photo's stay."""

    def __init__(self, garment: Tensor) -> None:
        super().__init__()
        self.garment = garment

    def __call__(self, attn: Any, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        both = torch.cat([hidden_states, self.garment], dim=1)
        attended: Tensor = super().__call__(attn, both, *args, **kwargs)
        return attended[:, : hidden_states.shape[1]]


def plain_features(garment: Any, seen: Tensor, prompt: Tensor) -> list[Tensor]:
    """What enters the blocks of the garment UNet, which is run to its end: (B, N, C) each."""
    features: list[Tensor] = []
    hooks = [
        block.register_forward_pre_hook(lambda _, args: features.append(args[0].clone()))
        for block in garment.modules()
        if isinstance(block, BasicTransformerBlock)
    ]
    garment(seen, 0, encoder_hidden_states=prompt)
    for hook in hooks:
        hook.remove()
    return features


def plain_step(
    denoiser: Any, features: list[Tensor], latents: Tensor, timestep: int, person: Tensor, prompt: Tensor
) -> Tensor:
    """The noise, (B, 4, h, w)."""
    for block, feature in zip(transformer_blocks(denoiser), features, strict=True):
        block.attn1.set_processor(Beside(block.norm1(feature)))
    noise: Tensor = denoiser(torch.cat([latents, person], dim=1), timestep, encoder_hidden_states=prompt).sample
    return noise


class PlainOutfitting:
    """Stock UNets, autoencoder, CLIP and scheduler, for upper garments (`hd`).

    Args:
        weights: a folder in the published layout.
        device, dtype: of the weights and of everything that is computed but CLIP, which is in float32 as published.
    """

    def __init__(self, weights: Path, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.garment, self.denoiser = (
            self._unet(unet_folder(weights, "hd", name)) for name in ("unet_garm", "unet_vton")
        )
        self.vae = autoencoder(weights / VAE, device, dtype)
        self.clip = image_encoder(weights).load(device, torch.float32)
        text = text_encoder(weights).load(torch.device("cpu"), torch.float32)
        for encoder in (self.clip, text):
            restore_positions(encoder)
        self.words = Prompts(text, weights)
        # Current diffusers would end in clean latents; what the published code ran with ends where the schedule does.
        config = UniPCMultistepScheduler.load_config((weights / SCHEDULER).parent, local_files_only=True)
        self.scheduler: Any = UniPCMultistepScheduler.from_config(config, final_sigmas_type="sigma_min")

    def _unet(self, folder: Path) -> Any:
        unet = without_memory(UNet2DConditionModel, folder)
        fill(unet, load_file(tensor_file(folder)), self.device, self.dtype)
        return unet

    @torch.no_grad()
    def __call__(self, pictures: PassPictures, *, seed: int, steps: int, guidance: float) -> Tensor:
        """The dressed person, (3, H, W) in [-1, 1]."""
        prompt = self.prompt(pictures.garment).expand(2, -1, -1)
        seen = self.latents(image_tensor(pictures.garment))
        features = plain_features(self.garment, torch.cat([seen, torch.zeros_like(seen)]), prompt)
        known = self.vae.config.scaling_factor * self.latents(pictures.person)
        masked = self.latents(pictures.masked).expand(2, -1, -1, -1)
        mask = F.interpolate(pictures.mask.to(self.device), known.shape[-2:], mode="nearest")
        noise = torch.randn(known.shape, generator=Generator().manual_seed(seed)).to(self.device)

        self.scheduler.set_timesteps(steps, device=self.device)
        latents, timesteps = noise, self.scheduler.timesteps
        for i, timestep in enumerate(timesteps):
            both = latents.expand(2, -1, -1, -1).to(self.dtype)
            noises = plain_step(self.denoiser, features, both, int(timestep), masked, prompt)
            with_garment, without = noises.float().chunk(2)
            predicted = without + guidance * (with_garment - without)
            latents = self.scheduler.step(predicted, timestep, latents).prev_sample
            noised = self.scheduler.add_noise(known, noise, timesteps[[i + 1]]) if i + 1 < steps else known
            latents = (1 - mask) * noised + mask * latents
        return self.decode(latents)[0]

    def prompt(self, garment: Image.Image) -> Tensor:
        """(1, 2, D)"""
        image = self.clip(pixel_values=clip_pixels(garment).to(self.device)).image_embeds
        return self.words("hd", "upper", image).to(self.dtype)

    def latents(self, picture: Tensor) -> Tensor:
        """The likeliest of a picture, not scaled."""
        latents: Tensor = self.vae.encode(picture.to(self.device, self.dtype)).latent_dist.mean
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents as pictures, (B, 3, H, W), roughly in [-1, 1]."""
        picture: Tensor = self.vae.decode((latents / self.vae.config.scaling_factor).to(self.dtype)).sample
        return picture
