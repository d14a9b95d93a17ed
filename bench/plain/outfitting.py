"""Outfitting fusion as it was published: tokens beside each other, and half of what comes out thrown away."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from model.diffusion.unet_forward import transformer_blocks


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
