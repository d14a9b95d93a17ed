"""The base UNet with one adapter, as a network whose rows are views."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock, FeedForward
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn

from model.diffusion.attention_backends import attend
from model.diffusion.attention_slices import attend_in_slices
from model.diffusion.fast_unet import FastUNet
from model.diffusion.fused_attention import self_attention
from model.diffusion.unet_forward import enter, feed_forward, leave
from model.engines.up2you.views.adapters import Adapter
from model.engines.up2you.views.attention import (
    KeysValues,
    multi_head,
    multi_view_attention,
    text_attention,
)
from model.engines.up2you.views.text_keys import TextKeys

VIEWS = 6  # pictures made together
CELL = 8  # pixels along the side of one number of the latents


class ViewDenoiser(nn.Module):
    """Predicts the noise in the latents of six views at a time.

    The adapter is an argument of the forward and not a state of the UNet, so that denoisers of both stages share one
    UNet. The unconditional half of guidance, if there is one, has the empty prompt and reference tokens of zeros:
    it is the conditional half's equal up to the first reference attention, and every reference attention of it, its
    keys being zeros without a bias, comes to the bias of the projection behind.

    Args:
        unet: shared with other networks.
        adapter: of the stage, its views fused.
        states: (1, 77, D), text encoder states of the stage's prompt; or (2, 77, D), the empty prompt's before it, to
            have an unconditional half.
        sliced: compute attention and feed-forwards in slices.
    """

    def __init__(self, unet: FastUNet, adapter: Adapter, states: Tensor, *, sliced: bool = False) -> None:
        super().__init__()
        self.unet = unet
        self.adapter = adapter
        self.text = TextKeys(unet.stock, states)
        self.guided = len(states) == 2
        self._attend = attend_in_slices if sliced else attend
        self._sliced = sliced

    def forward(self, latents: Tensor, timesteps: Tensor, *conditions: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            latents: (R, 4, h, w) float32; R is a multiple of six, the views of each person together.
            timesteps: (R,) int64.
            conditions: first the condition encoder's residuals, (R, C, h, w) for each level; then the key and the
                value of each reference attention, (R, reference tokens, C) each.

        Returns:
            The conditional prediction, (R, 4, h, w) float32; before it, if guided, the unconditional one.
        """
        levels = len(self.unet.stock.down_blocks)
        residuals, projected = conditions[:levels], conditions[levels:]
        references = list(zip(projected[::2], projected[1::2], strict=True))
        transform = partial(self._transform, references)
        prediction = self.unet.predict(self.unet(latents, timesteps, transform, residuals))
        return torch.split(prediction, len(latents))

    def _transform(
        self, references: list[KeysValues], i: int, transformer: Transformer2DModel, hidden: Tensor
    ) -> Tensor:
        (block,) = transformer.transformer_blocks
        tokens = self._look_around(i, block, enter(transformer, hidden), hidden.shape[-2], references[i])
        tokens = tokens + text_attention(block.attn2, block.norm2(tokens), self.text.layer(i), self._attend)
        return leave(transformer, tokens + self._feed_forward(block.ff, block.norm3(tokens)), hidden)

    def _look_around(
        self, i: int, block: BasicTransformerBlock, tokens: Tensor, height: int, reference: KeysValues
    ) -> Tensor:
        """Self-attention and both branches: (R, N, C) or (2R, N, C) -> (2R, N, C) if guided, else (R, N, C)."""
        rows, heads = len(reference[0]), block.attn1.heads
        layer: Any = self.adapter.layers[i]
        normed = block.norm1(tokens)
        tokens = tokens + self_attention(block.attn1, normed, self._attend)
        tokens = tokens + multi_view_attention(layer.views, normed, VIEWS, height, heads, self._attend)
        query = layer.references.to_q(normed[-rows:])
        attended = layer.references.to_out(multi_head(query, reference, heads, self._attend))
        conditional: Tensor = tokens[-rows:] + attended
        if not self.guided:
            return conditional
        return torch.cat([tokens[:rows] + layer.references.to_out.bias, conditional])

    def _feed_forward(self, layer: FeedForward, tokens: Tensor) -> Tensor:
        if not self._sliced:
            return feed_forward(layer, tokens)
        return torch.cat([feed_forward(layer, row) for row in torch.split(tokens, 1)])
