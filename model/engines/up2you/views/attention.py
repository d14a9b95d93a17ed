"""Attention of the views: to themselves, row by row to each other, to reference tokens, to text."""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from model.diffusion.attention_backends import Attend
from model.diffusion.fused_attention import attended_to_each_other

KeysValues = tuple[Tensor, Tensor]  # projected keys and values, (B, M, C) each


class Branch(nn.Module):
    """The projections of one more attention beside a block's own, with as many heads."""

    to_qkv: nn.Linear  # in place of the three, once they are fused

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(channels, channels, bias=False)
        self.to_v = nn.Linear(channels, channels, bias=False)
        self.to_out = nn.Linear(channels, channels)

    def keys(self, tokens: Tensor) -> KeysValues:
        """What this branch's queries meet when they look at `tokens`, (B, M, C)."""
        return self.to_k(tokens), self.to_v(tokens)


def multi_head(query: Tensor, keys: KeysValues, heads: int, attend: Attend) -> Tensor:
    """Attention of projected tokens, (B, N, C), to projected ones, (B, M, C)."""
    split = (torch.unflatten(projected, -1, (heads, -1)).transpose(1, 2) for projected in (query, *keys))
    return attend(*split).transpose(1, 2).flatten(2)


def text_attention(attention: Attention, tokens: Tensor, keys: KeysValues, attend: Attend) -> Tensor:
    """A diffusers `Attention` to text.

    Args:
        tokens: (prompts * rows, N, C), the rows of each prompt together.
        keys: (prompts, 77, C) each. Rows of one prompt count as one long row, so keys are never repeated.
    """
    query = attention.to_q(tokens).unflatten(0, (len(keys[0]), -1)).flatten(1, 2)  # (prompts, rows * N, C)
    attended: Tensor = attention.to_out[0](multi_head(query, keys, attention.heads, attend))
    return attended.view_as(tokens)


def multi_view_attention(branch: Branch, tokens: Tensor, views: int, height: int, heads: int, attend: Attend) -> Tensor:
    """Row-wise attention: every token to all tokens of the same picture row in all views.

    Args:
        branch: a `Branch` whose projections are fused.
        tokens: (B * views, height * width, C), the views of each B together.
    """
    rows = rows_of_views(tokens, views, height)  # (B * height, views * width, C)
    return views_of_rows(branch.to_out(attended_to_each_other(branch, rows, heads, attend)), views, height)


def rows_of_views(tokens: Tensor, views: int, height: int) -> Tensor:
    """(B * views, height * width, C) -> (B * height, views * width, C): nothing is repeated, only laid out anew."""
    batch, width = len(tokens) // views, tokens.shape[1] // height
    pictures = tokens.reshape(batch, views, height, width, -1)
    return pictures.transpose(1, 2).flatten(2, 3).flatten(0, 1)


def views_of_rows(rows: Tensor, views: int, height: int) -> Tensor:
    """The inverse of `rows_of_views`."""
    batch, width = len(rows) // height, rows.shape[1] // views
    pictures = rows.reshape(batch, height, views, width, -1)
    return pictures.transpose(1, 2).flatten(2, 3).flatten(0, 1)
