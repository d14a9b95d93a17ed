"""The UNet with the same result in fewer, larger pieces of work: what serves."""

from __future__ import annotations

import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from model.diffusion.attention_backends import attend
from model.diffusion.fast_unet import FastUNet
from model.diffusion.fused_attention import self_attention
from model.diffusion.unet_forward import enter, feed_forward, leave, unsupported
from model.engines.catvton.denoiser import ConcatDenoiser


def fast_denoiser(unet: UNet2DConditionModel, train_steps: int) -> nn.Module:
    """The fast form of a UNet with its weights, which only that can run from now on.

    A UNet of another make than the published one, see `unsupported`, gets the stock form.
    """
    return ConcatDenoiser(unet) if unsupported(unet.config) else FastDenoiser(FastUNet(unet, train_steps))


class FastDenoiser(nn.Module):
    """`ConcatDenoiser`, with the forward written out.

    Args:
        unet: without cross-attention.
    """

    def __init__(self, unet: FastUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, timesteps: Tensor, condition: Tensor) -> Tensor:
        """See `ConcatDenoiser`."""
        seen = torch.cat([latents, condition], dim=1)  # (R, 2C + 1 or 2C, h, w)
        return self.unet.predict(self.unet(seen, timesteps, transform))


def transform(_: int, transformer: Transformer2DModel, hidden: Tensor) -> Tensor:
    """(R, C, h, w) -> (R, C, h, w)."""
    tokens = enter(transformer, hidden)
    for block in transformer.transformer_blocks:
        tokens += self_attention(block.attn1, block.norm1(tokens), attend)
        tokens += block.norm2(tokens)  # where cross-attention was
        tokens += feed_forward(block.ff, block.norm3(tokens))
    return leave(transformer, tokens, hidden)
