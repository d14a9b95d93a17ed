"""The transformer blocks of the shape predictor and the feature aggregator. Attribute names are the checkpoints'."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 16  # of all their attention, as published


class LayerScale(nn.Module):
    """A learned gain for each channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 0.01))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma


class Mlp(nn.Module):
    """Two linear maps about a GELU."""

    def __init__(self, dim: int, hidden: int, out: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, out or dim)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return out


class SelfAttention(nn.Module):
    """Attention of all tokens to each other; queries and keys of each head normed on request."""

    def __init__(self, dim: int, heads: int = HEADS, *, qk_norm: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.q_norm: nn.Module = nn.LayerNorm(dim // heads) if qk_norm else nn.Identity()
        self.k_norm: nn.Module = nn.LayerNorm(dim // heads) if qk_norm else nn.Identity()
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (by_heads(part, self.heads) for part in self.qkv(tokens).chunk(3, dim=-1))
        out: Tensor = self.proj(attend(self.q_norm(query), self.k_norm(key), value))
        return out

    def of_one(self, token: Tensor) -> Tensor:
        """The same for (B, 1, C): a softmax over one token is 1, so queries and keys do not matter."""
        dim = token.shape[-1]
        out: Tensor = self.proj(F.linear(token, self.qkv.weight[2 * dim :], self.qkv.bias[2 * dim :]))
        return out


class CrossAttention(nn.Module):
    """Attention of tokens to a context, queries and keys of each head normed."""

    def __init__(self, dim: int, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim)
        self.kv_proj = nn.Linear(dim, 2 * dim)
        self.q_norm = nn.LayerNorm(dim // heads)
        self.k_norm = nn.LayerNorm(dim // heads)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """`context` has as many rows as `tokens`, or one that all of them look at and that is projected once."""
        query = self.q_norm(by_heads(self.q_proj(tokens), self.heads))
        key, value = (by_heads(part, self.heads) for part in self.kv_proj(context).chunk(2, dim=-1))
        key, value = (part.expand(len(tokens), -1, -1, -1) for part in (self.k_norm(key), value))
        out: Tensor = self.proj(attend(query, key, value))
        return out


class SelfAttentionBlock(nn.Module):
    """Attention, then an MLP, each normed before and scaled after."""

    def __init__(self, dim: int, hidden: int, *, qk_norm: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, qk_norm=qk_norm)
        self.ls1 = LayerScale(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden)
        self.ls2 = LayerScale(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, C) to the same."""
        normed = self.norm1(tokens)
        tokens = tokens + self.ls1(self.attn.of_one(normed) if tokens.shape[1] == 1 else self.attn(normed))
        out: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return out


class CrossAttentionBlock(nn.Module):
    """The same towards a context, which is taken as it is."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = CrossAttention(dim)
        self.ls1 = LayerScale(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden)
        self.ls2 = LayerScale(dim)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """
        Args:
            tokens: (B, N, C).
            context: (B or 1, M, C).

        Returns:
            (B, N, C).
        """
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens), context))
        out: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return out


def by_heads(tokens: Tensor, heads: int) -> Tensor:
    """(B, N, C) -> (B, heads, N, C/heads)."""
    return tokens.reshape(*tokens.shape[:2], heads, -1).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(B, heads, N, C/heads) -> (B, N, C), without ever holding the scores."""
    return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def attend_plainly(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same with the scores written out: what `attend` must agree with."""
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5  # (B, heads, N, M)
    attended: Tensor = scores.softmax(dim=-1) @ value
    return attended.transpose(1, 2).flatten(2)
