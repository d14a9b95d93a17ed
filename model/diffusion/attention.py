"""Self-attention for UNets that have lost their text: attn1 attends, attn2 hands its input on."""

from __future__ import annotations

import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn


def attend_plainly(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v with the score matrix written out: what `SelfAttentionProcessor` must agree with.

    At 768 x 1024 the scores of one CatVTON block alone take 18 GiB in float16.
    """
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5  # (B, heads, N, N)
    attended: Tensor = scores.softmax(dim=-1) @ value
    return attended


class SelfAttentionProcessor:
    """Attention of all tokens to each other, never holding the score matrix. A processor for diffusers' `Attention`.

    It reads the four projections of the module it serves and nothing else, which is all that SD 1.5 blocks have.
    """

    def __call__(self, attention: Attention, tokens: Tensor, **unused: object) -> Tensor:
        query, key, value = (
            project(tokens).unflatten(-1, (attention.heads, -1)).transpose(1, 2)  # (B, heads, N, C/heads)
            for project in (attention.to_q, attention.to_k, attention.to_v)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        merged: Tensor = attention.to_out[0](attended.transpose(1, 2).flatten(2))  # (B, N, C)
        return merged


class PassThrough(nn.Module):
    """Stands where cross-attention stood and returns its input.

    The block adds this to its own residual, so it computes h + norm2(h): norm2 stays part of the function.
    """

    def forward(self, tokens: Tensor, **unused: object) -> Tensor:
        return tokens


def keep_only_self_attention(unet: nn.Module) -> None:
    """Give every transformer block of a diffusers UNet our self-attention and drop its cross-attention weights."""
    for block in unet.modules():
        if isinstance(block, BasicTransformerBlock):
            block.attn1.set_processor(SelfAttentionProcessor())
            block.attn2 = PassThrough()
