"""What networks have to compute, counted by torch on networks without memory: a multiply-add is two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from bench.plain.stock import skip_cross_attention, without_memory
from model.engines.catvton.files import FOLDERS, UNET, VAE


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


@torch.no_grad()
def counted(call: Callable[[], object]) -> int:
    """FLOPs of a call whose tensors are on the meta device: on the CPU torch does not count its attention."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
