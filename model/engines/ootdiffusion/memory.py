"""How much device memory a try-on holds between forwards."""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from model.engines.ootdiffusion.request import Request

_CHANNELS, _CELL = 4, 8  # of latents


def resident_bytes(request: Request, unet: UNet2DConditionModel, dtype: torch.dtype) -> int:
    """A garment's keys and values in `dtype`, and in float32 pictures, and every sample's latents.

    Args:
        unet: either of the two.
    """
    if request.mask_only:
        return 0
    halves = 2 if request.guided() else 1
    cells = request.height // _CELL, request.width // _CELL
    keys = 2 * halves * sum(tokens * channels for tokens, channels in attention_sizes(unet, cells))
    # Noise, latents, the last two clean ones, those kept, the prediction's halves; and three of the pictures.
    latents = _CHANNELS * cells[0] * cells[1] * (request.samples * (5 + halves) + 3)
    pictures = 3 * request.height * request.width * (3 + request.samples)
    return keys * dtype.itemsize + 4 * (latents + pictures)


def attention_sizes(unet: UNet2DConditionModel, cells: tuple[int, int]) -> list[tuple[int, int]]:
    """Tokens and channels of every self-attention, in the order of the forward, if its input is of `cells`."""
    levels, (height, width) = [], cells
    for channels in unet.config.block_out_channels:
        levels.append((height * width, channels))
        height, width = -(-height // 2), -(-width // 2)
    *finer, coarsest = levels
    layers = unet.config.layers_per_block
    down = [level for level in finer for _ in range(layers)]
    up = [level for level in reversed(finer) for _ in range(layers + 1)]
    return [*down, coarsest, *up]
