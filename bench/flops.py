"""What networks have to compute, counted by torch on networks without memory: a multiply-add is two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from bench.plain.outfitting import plain_features, plain_step
from bench.plain.stock import skip_cross_attention, without_memory
from model.diffusion.fast_unet import FastUNet
from model.engines.catvton.files import FOLDERS, UNET, VAE
from model.engines.ootdiffusion.files import VAE as OUTFITTING_VAE
from model.engines.ootdiffusion.files import unet_folder
from model.engines.ootdiffusion.fusion import Denoiser, GarmentPass


@dataclass(frozen=True)
class TryOnFlops:
    """Of one picture to encode, of one row of a step, of one picture to decode."""

    encode: int
    row: int
    decode: int

    def request(self, steps: int, rows: int) -> int:
        """Of a whole try-on of two pictures."""
        return 2 * self.encode + steps * rows * self.row + self.decode


def tryon_flops(weights: Path, size: tuple[int, int]) -> TryOnFlops:
    """Of the plain mask-based try-on at this width and height."""
    folder = weights / FOLDERS["mask"]
    unet, vae = without_memory(UNet2DConditionModel, folder / UNET), without_memory(AutoencoderKL, folder / VAE)
    skip_cross_attention(unet)
    (width, height), downsampling = size, 2 ** (len(vae.config.block_out_channels) - 1)
    h, w = height // downsampling, width // downsampling

    with torch.device("meta"):
        picture, latents = torch.empty(1, 3, height, width), torch.empty(1, vae.config.latent_channels, h, w)
        seen, timestep = torch.empty(1, unet.config.in_channels, 2 * h, w), torch.empty(1)
    return TryOnFlops(
        counted(lambda: vae.encode(picture)),
        counted(lambda: unet(seen, timestep, encoder_hidden_states=None)),
        counted(lambda: vae.decode(latents)),
    )


@dataclass(frozen=True)
class OutfittingFlops:
    """Of OOTDiffusion: a picture to encode, a garment's pass, a step, each with guidance, and a picture to decode."""

    encode: int
    garment: int
    step: int
    decode: int

    def request(self, steps: int) -> int:
        """Of a whole try-on: the photo, the photo without what is painted, and the garment are encoded."""
        return 3 * self.encode + self.garment + steps * self.step + self.decode


def outfitting_flops(weights: Path, size: tuple[int, int]) -> tuple[OutfittingFlops, OutfittingFlops]:
    """Of the plain form and of ours at this width and height, but for CLIP."""
    garment, denoiser = (
        without_memory(UNet2DConditionModel, unet_folder(weights, "hd", name)) for name in ("unet_garm", "unet_vton")
    )
    vae = without_memory(AutoencoderKL, weights / OUTFITTING_VAE)
    h, w = size[1] // 8, size[0] // 8
    with torch.device("meta"):
        picture, row, rows = torch.empty(1, 3, size[1], size[0]), torch.empty(1, 4, h, w), torch.empty(2, 4, h, w)
        prompt, timestep = torch.empty(2, 2, denoiser.config.cross_attention_dim), torch.zeros(1, dtype=torch.int64)
        encode, decode = counted(lambda: vae.encode(picture)), counted(lambda: vae.decode(row))
        features: list[torch.Tensor] = []
        plain_garment = counted(lambda: features.extend(plain_features(garment, rows, prompt)))
        plain = counted(lambda: plain_step(denoiser, features, rows, 0, rows, prompt))
        fast_garment, fast = FastUNet(garment, 1), FastUNet(denoiser, 1)
        keys: list[torch.Tensor] = []
        our_garment = counted(lambda: keys.extend(GarmentPass(fast_garment, fast)(rows, prompt)))
        ours = counted(lambda: Denoiser(fast)(row, timestep, row, prompt[:1], *(key[None] for key in keys)))
    return OutfittingFlops(encode, plain_garment, plain, decode), OutfittingFlops(encode, our_garment, ours, decode)


@torch.no_grad()
def counted(call: Callable[[], object]) -> int:
    """FLOPs of a call whose tensors are on the meta device: on the CPU torch does not count its attention."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
