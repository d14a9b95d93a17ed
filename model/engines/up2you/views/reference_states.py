"""The reference pass: what every self-attention of the UNet sees of a photo."""

from __future__ import annotations

import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.attention_backends import attend
from model.diffusion.attention_slices import attend_in_slices
from model.diffusion.fast_unet import FastUNet
from model.diffusion.fused_attention import self_attention
from model.diffusion.unet_forward import enter, feed_forward, leave, transformer_blocks
from model.engines.up2you.views.attention import text_attention
from model.engines.up2you.views.text_keys import TextKeys


class ReferencePass(nn.Module):
    """The base UNet without adapter on clean reference latents, as a network whose rows are independent.

    Only the normed tokens in front of each self-attention are kept, and the pass ends at the last of them: nothing
    else of it is ever used.

    Args:
        unet: shared with other networks.
        states: (1, 77, D), text encoder states of the stage's prompt.
        sliced: compute attention in slices.
    """

    def __init__(self, unet: FastUNet, states: Tensor, *, sliced: bool = False) -> None:
        super().__init__()
        self.unet = unet
        self.text = TextKeys(unet.stock, states)
        self._attend = attend_in_slices if sliced else attend
        self._last = len(transformer_blocks(unet.stock)) - 1

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            latents: (R, 4, h, w), scaled, without noise.

        Returns:
            For each self-attention the tokens it sees, (R, tokens, C), in the UNet's dtype.
        """
        states: list[Tensor] = []

        def transform(i: int, transformer: Transformer2DModel, hidden: Tensor) -> Tensor:
            (block,) = transformer.transformer_blocks
            tokens = enter(transformer, hidden)
            normed = block.norm1(tokens)
            states.append(normed)
            if i == self._last:
                return hidden
            tokens += self_attention(block.attn1, normed, self._attend)
            tokens += text_attention(block.attn2, block.norm2(tokens), self.text.layer(i), self._attend)
            tokens += feed_forward(block.ff, block.norm3(tokens))
            return leave(transformer, tokens, hidden)

        self.unet(latents, torch.zeros(len(latents), dtype=torch.int64, device=latents.device), transform)
        return tuple(states)


def level_sizes(cells: tuple[int, int], levels: int) -> list[tuple[int, int]]:
    """Height and width of the UNet's levels for latents of `cells`, finest first."""
    sizes = [cells]
    for _ in range(levels - 1):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def state_elements(unet: UNet2DConditionModel, cells: tuple[int, int]) -> int:
    """How many numbers the states of one picture are: tokens times channels, over all self-attentions."""
    widths = list(unet.config.block_out_channels)
    areas = [height * width for height, width in level_sizes(cells, len(widths))]
    layers = unet.config.layers_per_block
    # On the way down, and once more on the way up, every level has them but the coarsest, which has one.
    either_way = sum(width * area for width, area in zip(widths[:-1], areas[:-1], strict=True))
    return int((layers + layers + 1) * either_way + widths[-1] * areas[-1])
