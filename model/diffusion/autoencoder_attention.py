"""The autoencoder's one attention, by the kernels the UNets use."""

from __future__ import annotations

from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from model.diffusion.attention_backends import attend


class WholeMapAttention:
    """Attention of all places of a feature map to each other. A processor for diffusers' `Attention`."""

    def __call__(self, attention: Attention, hidden: Tensor, temb: None = None, **unused: object) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w). Its blocks pass a time that is None, and diffusers warns of who takes none."""
        tokens = attention.group_norm(hidden.flatten(2)).transpose(1, 2)  # (B, h * w, C)
        query, key, value = (
            project(tokens).unflatten(-1, (attention.heads, -1)).transpose(1, 2)
            for project in (attention.to_q, attention.to_k, attention.to_v)
        )
        attended = attention.to_out[0](attend(query, key, value).transpose(1, 2).flatten(2))
        merged: Tensor = hidden + attended.transpose(1, 2).unflatten(2, hidden.shape[-2:])
        return merged


def attend_by_backends(vae: nn.Module) -> None:
    """Let a stock autoencoder's attention never hold its scores, which at 768 x 1024 are 302 MB in half precision."""
    for module in vae.modules():
        if isinstance(module, Attention):
            module.set_processor(WholeMapAttention())
