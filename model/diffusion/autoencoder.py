"""The two directions of a stock `AutoencoderKL`, as modules whose rows are independent: float32 in, float32 out.

Latents have C channels and are f times smaller than their picture; as published, 4 and 8.
"""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from model.diffusion.autoencoder_attention import attend_by_backends
from model.diffusion.layout import prefer_channels_last

_TILE = 64  # the side that Stable Diffusion was trained at


def fast_autoencoder(vae: AutoencoderKL) -> AutoencoderKL:
    """The same autoencoder with its weights, made ready to serve."""
    attend_by_backends(vae)
    prefer_channels_last(vae)
    return vae


class LatentEncoder(nn.Module):
    """Pictures to the moments of their latents' normal distribution."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            pictures: (B, 3, H, W) in [-1, 1].

        Returns:
            mean and log-variance, (B, C, H/f, W/f) each, not yet scaled; the log-variance lies in [-30, 20].
        """
        hidden = self.vae.encoder(pictures.to(self.vae.dtype))
        if self.vae.quant_conv is not None:
            hidden = self.vae.quant_conv(hidden)
        mean, logvar = hidden.float().chunk(2, dim=1)
        return mean, logvar.clamp(-30, 20)


class LatentDecoder(nn.Module):
    """Latents to pictures."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latents: Tensor) -> Tensor:
        """
        Args:
            latents: (B, C, h, w), not scaled.

        Returns:
            (B, 3, fh, fw), roughly in [-1, 1].
        """
        hidden = latents.to(self.vae.dtype)
        if self.vae.post_quant_conv is not None:
            hidden = self.vae.post_quant_conv(hidden)
        pictures: Tensor = self.vae.decoder(hidden)
        return pictures.float()


class TiledDecoder(nn.Module):
    """`LatentDecoder` in tiles that overlap by a quarter and are blended there, for when memory is short.

    A tile is decoded without sight of the others: attention and normalisation see it alone, so the result differs.

    Args:
        side: of a tile, in latents. A picture of three quarters of that is one tile.
    """

    def __init__(self, vae: AutoencoderKL, side: int = _TILE) -> None:
        super().__init__()
        self.vae = vae
        vae.tile_latent_min_size = side
        vae.tile_sample_min_size = side * 2 ** (len(vae.config.block_out_channels) - 1)

    def forward(self, latents: Tensor) -> Tensor:
        """As `LatentDecoder`."""
        pictures: Tensor = self.vae.tiled_decode(latents.to(self.vae.dtype), return_dict=False)[0]
        return pictures.float()


def draw_latents(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """Latents from their distribution; not scaled yet.

    Args:
        mean, logvar: (B, C, h, w), or (1, C, h, w) to draw B times from one picture.
        noise: standard normal, (B, C, h, w).
    """
    return mean + torch.exp(0.5 * logvar) * noise
