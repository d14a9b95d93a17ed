"""Outfitting fusion with stock UNets and gradients: the same as the fast form that answers requests."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.unet_forward import transformer_blocks


class _LastSeen(Exception):  # noqa: N818 - ends a forward early
    """The tokens that enter the last block have been seen."""


class OutfittingUNets(nn.Module):
    """Both UNets as one network: noise is predicted with the garment in sight.

    Args:
        garment: sees it, in one forward at timestep 0, which ends where the last tokens enter a block.
        denoiser: each of its self-attentions looks at what entered the garment UNet's block, normed by its own norm.
    """

    def __init__(self, garment: UNet2DConditionModel, denoiser: UNet2DConditionModel) -> None:
        super().__init__()
        self.garment, self.denoiser = garment, denoiser
        self._seen: list[Tensor] = []
        blocks = transformer_blocks(garment)
        for block in blocks:
            block.register_forward_pre_hook(self._note, with_kwargs=True)
        self._count = len(blocks)
        for i, block in enumerate(transformer_blocks(denoiser)):
            block.attn1.set_processor(_BesideGarment(self._seen, i, block))

    def forward(self, garment: Tensor, prompt: Tensor, noisy: Tensor, timesteps: Tensor, person: Tensor) -> Tensor:
        """
        Args:
            garment: (B, 4, h, w) latents, not scaled; zeros where it is nothing.
            prompt: (B, T, D).
            noisy: (B, 4, h, w); timesteps: (B,).
            person: (B, 4, h, w) latents of the photo without what is painted, not scaled.

        Returns:
            The noise, (B, 4, h, w).
        """
        self._seen.clear()
        with suppress(_LastSeen):
            self.garment(garment, 0, encoder_hidden_states=prompt)
        both = torch.cat([noisy, person], dim=1)
        predicted: Tensor = self.denoiser(both, timesteps, encoder_hidden_states=prompt).sample
        return predicted

    def _note(self, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._seen.append(args[0] if args else kwargs["hidden_states"])
        if len(self._seen) == self._count:
            raise _LastSeen

    def choose_trainable(self, trainable: str) -> None:
        """Gradients for all that is used: never for what stands behind the last block that is seen."""
        self.denoiser.requires_grad_(trainable == "both")
        self.garment.requires_grad_(True)
        last = self.garment.up_blocks[-1].attentions[-1]
        for unused in (last.transformer_blocks, last.proj_out, self.garment.conv_norm_out, self.garment.conv_out):
            unused.requires_grad_(False)


class _BesideGarment:
    """A self-attention whose tokens also see the garment's."""

    def __init__(self, seen: list[Tensor], i: int, block: BasicTransformerBlock) -> None:
        self._seen, self._i, self._norm = seen, i, block.norm1

    def __call__(self, attention: Attention, hidden_states: Tensor, *_: object, **__: object) -> Tensor:
        both = torch.cat([hidden_states, self._norm(self._seen[self._i])], dim=1)
        projected = attention.to_q(hidden_states), attention.to_k(both), attention.to_v(both)
        query, key, value = (one.unflatten(-1, (attention.heads, -1)).transpose(1, 2) for one in projected)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        out: Tensor = attention.to_out[0](attended)
        return out
