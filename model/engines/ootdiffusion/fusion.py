"""Outfitting fusion: both UNets, and how the one that paints sees what the other saw in the garment.

As published, each self-attention of the painting UNet sees the photo's tokens beside the garment's, and of what comes
out the garment's half is thrown away. Here the garment's half asks nothing, which comes to the same: it is keys and
values only, and these are the same at every step. Weights are those of two stock UNets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn

from model.diffusion.attention_backends import Attend, attend
from model.diffusion.attention_slices import attend_in_slices
from model.diffusion.fast_unet import FastUNet
from model.diffusion.fused_attention import self_attention
from model.diffusion.unet_forward import add_to_halves, enter, feed_forward, leave, transformer_blocks

# (number of the transformer, the tokens that enter its block, (R, N, C)) -> None
See = Callable[[int, Tensor], None]


class GarmentPass(nn.Module):
    """One pass of the garment UNet, at timestep 0, as a network whose rows are independent.

    It ends where the last tokens enter a block: nothing behind is ever used.

    Args:
        garment: sees the garment.
        denoiser: whose self-attention will look at it.
        sliced: compute attention in slices.
    """

    def __init__(self, garment: FastUNet, denoiser: FastUNet, *, sliced: bool = False) -> None:
        super().__init__()
        self.unet = garment
        blocks = transformer_blocks(denoiser.stock)
        self.norms = nn.ModuleList(block.norm1 for block in blocks)
        self.projections = nn.ModuleList(block.attn1.to_qkv for block in blocks)
        self._attend = attend_in_slices if sliced else attend

    def forward(self, latents: Tensor, prompt: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            latents: (R, 4, h, w), not scaled; zeros for a row without the garment.
            prompt: (R, T, D), see `prompts.py`.

        Returns:
            A key and a value for each self-attention of the denoiser, (R, N, C) each, in the UNet's dtype.
        """
        seen: list[Tensor] = []
        self.look(latents, prompt, lambda i, tokens: seen.extend(self._keys(i, tokens)))
        return tuple(seen)

    def look(self, latents: Tensor, prompt: Tensor, see: See) -> None:
        """Hand all tokens that enter a block to `see`, which may not keep them without a copy."""
        prompt = prompt.to(self.unet.stock.dtype)
        last = len(self.norms) - 1

        def transform(i: int, transformer: Transformer2DModel, hidden: Tensor) -> Tensor:
            (block,) = transformer.transformer_blocks
            tokens = enter(transformer, hidden)
            see(i, tokens)
            if i == last:
                return hidden
            tokens = tokens + self_attention(block.attn1, block.norm1(tokens), self._attend)
            return leave(transformer, after_attention(block, tokens, prompt, self._attend), hidden)

        self.unet(latents, torch.zeros(len(latents), dtype=torch.int64, device=latents.device), transform)

    def _keys(self, i: int, tokens: Tensor) -> Sequence[Tensor]:
        weight = self.projections[i].get_parameter("weight")[tokens.shape[-1] :]  # the query's part stands above
        return F.linear(self.norms[i](tokens), weight).chunk(2, dim=-1)


class Denoiser(nn.Module):
    """Predicts the noise in latents, with the garment and without it, as a network whose rows are independent.

    Both halves of guidance are the same up to the first garment that they see, so until then there is one.

    Args:
        sliced: compute attention in slices.
    """

    def __init__(self, unet: FastUNet, *, sliced: bool = False) -> None:
        super().__init__()
        self.unet = unet
        self._attend = attend_in_slices if sliced else attend

    def forward(self, latents: Tensor, timesteps: Tensor, person: Tensor, prompt: Tensor, *keys: Tensor) -> Tensor:
        """
        Args:
            latents: (R, 4, h, w) float32.
            timesteps: (R,) int64.
            person: (R, 4, h, w), latents of the photo without what is painted, not scaled.
            prompt: (R, T, D).
            keys: key and value of each self-attention, (R, halves, N, C); halves is 2 or, without guidance, 1.

        Returns:
            The noise, (R, halves, 4, h, w) float32.
        """
        prompt = prompt.to(self.unet.stock.dtype)

        def transform(i: int, transformer: Transformer2DModel, hidden: Tensor) -> Tensor:
            (block,) = transformer.transformer_blocks
            tokens = enter(transformer, hidden)
            garment = [seen.transpose(0, 1).flatten(0, 1) for seen in keys[2 * i : 2 * i + 2]]  # (halves * R, N, C)
            attended = attention_to_both(block.attn1, block.norm1(tokens), garment, self._attend)
            tokens = add_to_halves(attended, tokens)
            return leave(transformer, after_attention(block, tokens, prompt, self._attend), hidden)

        hidden = self.unet(torch.cat([latents, person], dim=1), timesteps, transform)
        return torch.unflatten(self.unet.predict(hidden), 0, (-1, len(latents))).transpose(0, 1)


def attention_to_both(attention: Attention, tokens: Tensor, garment: Sequence[Tensor], attend: Attend) -> Tensor:
    """A fused diffusers `Attention` of tokens to each other and to a garment's.

    Args:
        tokens: (R, N, C).
        garment: key and value, (R, M, C), or (halves * R, M, C), each half of which the tokens look at.

    Returns:
        (R, N, C), or (halves * R, N, C).
    """
    times = len(garment[0]) // len(tokens)
    query, *own = (one.repeat(times, 1, 1) for one in attention.to_qkv(tokens).chunk(3, dim=-1))
    both = (torch.cat(pair, dim=1) for pair in zip(own, garment, strict=True))
    attended: Tensor = attention.to_out[0](multi_head(query, *both, heads=attention.heads, attend=attend))
    return attended


def after_attention(block: BasicTransformerBlock, tokens: Tensor, prompt: Tensor, attend: Attend) -> Tensor:
    """The rest of a block: it looks at the prompt, (R, T, D), and feeds forward. Tokens are (R or halves * R, N, C)."""
    layer = block.attn2
    prompt = prompt.repeat(len(tokens) // len(prompt), 1, 1)
    query, key, value = layer.to_q(block.norm2(tokens)), layer.to_k(prompt), layer.to_v(prompt)
    tokens = tokens + layer.to_out[0](multi_head(query, key, value, heads=layer.heads, attend=attend))
    return tokens + feed_forward(block.ff, block.norm3(tokens))


def multi_head(query: Tensor, key: Tensor, value: Tensor, *, heads: int, attend: Attend) -> Tensor:
    """Attention of projected tokens, (B, N, C), to projected ones, (B, M, C)."""
    split = (torch.unflatten(one, -1, (heads, -1)).transpose(1, 2) for one in (query, key, value))
    return attend(*split).transpose(1, 2).flatten(2)
