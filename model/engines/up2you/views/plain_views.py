"""The two diffusion stages as published, without a saving: what the fast forms must agree with.

Stock diffusers UNet, its own `forward`, both guidance halves from the first convolution on, reference tokens and text
projected again at every step, keys and values of the row-wise attention repeated for every view. Only the published
code's dead work is left out: tokens that no attention ever reads are neither kept nor selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from model.diffusion.unet_forward import self_attentions
from model.engines.up2you.views.adapters import Adapter, AttentionAdapter
from model.engines.up2you.views.denoiser import VIEWS


class PlainViewAttention:
    """Self-attention and both branches. A processor for diffusers' `Attention`.

    Args:
        adapter: of this attention.
        views: rows that belong together.
    """

    def __init__(self, adapter: AttentionAdapter, views: int = VIEWS) -> None:
        self.adapter = adapter
        self.views = views
        self.references: Tensor | None = None  # (2R, k, C), zeros before the selected tokens; None: no branches
        self.seen = torch.empty(0)  # the tokens of the last call
        self._stock = AttnProcessor2_0()

    def __call__(
        self, attention: object, tokens: Tensor, encoder_hidden_states: object = None, **unused: object
    ) -> Tensor:
        """(2R, N, C) -> (2R, N, C); N is a square number."""
        self.seen = tokens
        attended: Tensor = self._stock(attention, tokens)
        if self.references is None:
            return attended
        return attended + self.across_views(attention, tokens) + self.to_references(attention, tokens)

    def across_views(self, attention: Attention, tokens: Tensor) -> Tensor:
        """The row-wise branch alone."""
        branch, side = self.adapter.views, int(tokens.shape[1] ** 0.5)

        def pictures(projected: Tensor) -> Tensor:  # (B, views, rows, columns, C)
            return projected.reshape(-1, self.views, side, side, projected.shape[-1])

        def repeated(projected: Tensor) -> Tensor:  # (B * views * rows, views * columns, C)
            rows = pictures(projected).transpose(1, 2).flatten(2, 3)
            return rows[:, None].expand(-1, self.views, -1, -1, -1).flatten(0, 2)

        query = pictures(branch.to_q(tokens)).flatten(0, 2)  # (B * views * rows, columns, C)
        key, value = repeated(branch.to_k(tokens)), repeated(branch.to_v(tokens))
        attended: Tensor = branch.to_out(_attend(query, key, value, attention.heads))
        return attended.reshape(tokens.shape)

    def to_references(self, attention: Attention, tokens: Tensor) -> Tensor:
        """The reference branch alone."""
        branch = self.adapter.references
        query, key, value = branch.to_q(tokens), branch.to_k(self.references), branch.to_v(self.references)
        attended: Tensor = branch.to_out(_attend(query, key, value, attention.heads))
        return attended


class PlainViews:
    """One stage.

    Args:
        unet: a stock UNet; its processors are exchanged.
        adapter: of the stage.
        states: (2, 77, D), text encoder states of the empty prompt and of the stage's own.
    """

    def __init__(self, unet: UNet2DConditionModel, adapter: Adapter, states: Tensor) -> None:
        self.unet = unet
        self.states = states
        layers: Any = adapter.layers
        self.processors = [PlainViewAttention(layer) for layer in layers]
        for (_, attention), processor in zip(self_attentions(unet), self.processors, strict=True):
            attention.set_processor(processor)

    def reference_states(self, latents: Tensor) -> list[Tensor]:
        """What every self-attention sees of clean latents, (photos, tokens, C) each."""
        self._look_at([None] * len(self.processors))
        self.unet(latents, 0, self.states[1:].expand(len(latents), -1, -1))
        return [processor.seen for processor in self.processors]

    def predict(
        self, latents: Tensor, timesteps: Tensor, residuals: Sequence[Tensor], references: Sequence[Tensor]
    ) -> Tensor:
        """The unconditional, then the conditional prediction, (2R, 4, h, w).

        Args:
            latents: (R, 4, h, w), the six views of each person together.
            timesteps: (R,).
            residuals: of the condition encoder, (R, C, h, w), ...
            references: the tokens each view may look at, (R, k, C), for every self-attention.
        """
        self._look_at([torch.cat([torch.zeros_like(tokens), tokens]) for tokens in references])
        prediction: Tensor = self.unet(
            torch.cat([latents, latents]),
            torch.cat([timesteps, timesteps]),
            self.states.repeat_interleave(len(latents), dim=0),
            down_intrablock_additional_residuals=[torch.cat([residual, residual]) for residual in residuals],
        ).sample
        return prediction

    def _look_at(self, references: Sequence[Tensor | None]) -> None:
        for processor, tokens in zip(self.processors, references, strict=True):
            processor.references = tokens


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    query, key, value = (
        projected.reshape(len(projected), -1, heads, projected.shape[-1] // heads).transpose(1, 2)
        for projected in (query, key, value)
    )
    return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
