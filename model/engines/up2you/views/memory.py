"""How much device memory a job of the diffusion stages holds between forwards."""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from model.avatar.feature_selector import PUBLISHED_RATIO
from model.engines.up2you.views.denoiser import CELL, VIEWS
from model.engines.up2you.views.reference_states import level_sizes, state_elements

LATENT_CHANNELS = 4  # of Stable Diffusion's autoencoder


def resident_bytes(unet: UNet2DConditionModel, dtype: torch.dtype, height: int, width: int, photos: int) -> int:
    """The most one job holds.

    With S numbers in the states of one picture (`state_elements`), each of `itemsize` bytes, h and w an eighth of
    height and width, and `photos` not under 2, which is what the normal stage comes to in any case:

        itemsize * S * max(photos, 2 * 6 * 2)     photos' states, exchanged layer by layer for keys and values
      + itemsize * 6 * C * h' * w' of all levels  what the condition encoder adds
      + 4 * (photos + 6) * 3 * height * width     pictures, float32
      + 4 * (photos + 3 * 6) * 4 * h * w          latents of the photos; of the views, their noise and prediction

    Keys and values, the 2 * 6 * 2 of the first line, stay for the whole loop of the RGB stage; the normal stage has
    half of them. They are the conditional half's alone: guidance adds nothing.

    Args:
        unet: whose config tells the sizes.
        dtype: the networks'.
        photos: of the RGB stage.
    """
    cells, photos = (height // CELL, width // CELL), max(photos, int(PUBLISHED_RATIO))
    states = state_elements(unet, cells) * max(photos, 2 * VIEWS * int(PUBLISHED_RATIO))
    channels = unet.config.block_out_channels
    sizes = level_sizes(cells, len(channels))
    residuals = VIEWS * sum(c * h * w for c, (h, w) in zip(channels, sizes, strict=True))
    pictures = (photos + VIEWS) * 3 * height * width
    latents = (photos + 3 * VIEWS) * LATENT_CHANNELS * cells[0] * cells[1]
    return int(dtype.itemsize * (states + residuals) + 4 * (pictures + latents))
