"""The prompts as the UNet's cross-attentions see them: they never change, so they are projected once."""

from __future__ import annotations

from torch import Tensor, nn

from model.diffusion.unet_forward import transformer_blocks
from model.engines.up2you.views.attention import KeysValues


class TextKeys(nn.Module):
    """Keys and values of every cross-attention.

    Args:
        unet: a diffusers UNet with its weights.
        states: (prompts, 77, D), the text encoder's last hidden states.
    """

    def __init__(self, unet: nn.Module, states: Tensor) -> None:
        super().__init__()
        self.prompts = len(states)
        for i, block in enumerate(transformer_blocks(unet)):
            projections = block.attn2.to_k, block.attn2.to_v
            for name, project in zip(("key", "value"), projections, strict=True):
                self.register_buffer(f"{name}_{i}", project(states.to(project.weight)), persistent=False)

    def layer(self, i: int) -> KeysValues:
        """Those of cross-attention `i`, (prompts, 77, C) each."""
        return self.get_buffer(f"key_{i}"), self.get_buffer(f"value_{i}")
