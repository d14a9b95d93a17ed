"""Self-attention whose query, key and value come from one matrix product."""

from __future__ import annotations

from typing import Protocol

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from model.diffusion.attention_backends import Attend
from model.diffusion.unet_forward import self_attentions


class Fused(Protocol):
    """What has been fused to `to_qkv`."""

    to_qkv: nn.Linear


def fuse_self_attention(unet: nn.Module) -> None:
    """Fuse the projections of every self-attention of a diffusers UNet with its weights, for `self_attention`."""
    for _, attention in self_attentions(unet):
        fuse(attention, ("to_q", "to_k", "to_v"), "to_qkv")


def fuse(module: object, names: tuple[str, ...], into: str) -> None:
    """Put the weights of linear layers of `module` that see the same tokens one below the other, in a new layer.

    The old layers are gone afterwards, so that no weight is held twice.
    """
    layers = [getattr(module, name) for name in names]
    width = sum(layer.out_features for layer in layers)
    with torch.device("meta"):
        fused = nn.Linear(layers[0].in_features, width, bias=layers[0].bias is not None)
    for parameter, _ in list(fused.named_parameters()):
        joined = torch.cat([getattr(layer, parameter).detach() for layer in layers])
        setattr(fused, parameter, nn.Parameter(joined, requires_grad=False))
    for name in names:
        delattr(module, name)
    setattr(module, into, fused)


def self_attention(attention: Attention, tokens: Tensor, attend: Attend) -> Tensor:
    """A fused diffusers `Attention` of all tokens of a row to each other, (B, N, C) -> (B, N, C)."""
    attended: Tensor = attention.to_out[0](attended_to_each_other(attention, tokens, attention.heads, attend))
    return attended


def attended_to_each_other(fused: Fused, tokens: Tensor, heads: int, attend: Attend) -> Tensor:
    """The same up to the last projection, of whatever has been fused."""
    projected = fused.to_qkv(tokens).unflatten(-1, (3, heads, -1))  # (B, N, 3, heads, C / heads)
    query, key, value = projected.permute(2, 0, 3, 1, 4)
    return attend(query, key, value).transpose(1, 2).flatten(2)
