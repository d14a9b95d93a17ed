"""From the photos' features to the body's shape: ten numbers of SMPL-X."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.up2you.features.transformer_blocks import CrossAttentionBlock, Mlp, SelfAttentionBlock

ITERATIONS = 4  # as published


class ShapePredictor(nn.Module):
    """A learned token that gathers from all photos, and a head that refines its guess.

    Args:
        dim: channels of the photos' features.
        blocks: how often the token looks at the photos.
        trunk: blocks of the head.
        hidden: of the blocks' MLPs.
        branch: hidden size of the head's last MLP.
        shapes: how many numbers a shape has.
    """

    def __init__(self, dim: int, blocks: int, trunk: int, hidden: int, branch: int, shapes: int) -> None:
        super().__init__()
        self.shape_tokens = nn.Parameter(torch.zeros(1, 1, dim))
        self.blocks = nn.ModuleList(CrossAttentionBlock(dim, hidden) for _ in range(blocks))
        self.shape_head = ShapeHead(dim, trunk, hidden, branch, shapes)

    def forward(self, features: Tensor) -> Tensor:
        """
        Args:
            features: (B, photos, g, g, C), float32.

        Returns:
            betas, (B, shapes).
        """
        betas: Tensor = self.shape_head(self.tokens(features))
        return betas[:, 0]

    def tokens(self, features: Tensor) -> Tensor:
        """What the token has gathered: (B, 1, C)."""
        tokens, context = self.shape_tokens.expand(len(features), -1, -1), features.flatten(1, 3)
        for block in self.blocks:
            tokens = block(tokens, context)
        return tokens


class ShapeHead(nn.Module):
    """Starts from a learned shape and corrects it a few times; the current one modulates the token each time."""

    def __init__(self, dim: int, trunk: int, hidden: int, branch: int, shapes: int) -> None:
        super().__init__()
        self.empty_shape_tokens = nn.Parameter(torch.zeros(1, 1, shapes))
        self.trunk = nn.Sequential(*(SelfAttentionBlock(dim, hidden, qk_norm=False) for _ in range(trunk)))
        self.token_norm = nn.LayerNorm(dim)
        self.trunk_norm = nn.LayerNorm(dim)
        self.embed_shape = nn.Linear(shapes, dim)
        self.shapeLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 3 * dim))
        self.shape_branch = Mlp(dim, branch, shapes)

    def forward(self, tokens: Tensor, iterations: int = ITERATIONS) -> Tensor:
        """(B, 1, C) -> betas (B, 1, shapes)."""
        normed = self.token_norm(tokens)
        betas = self.correction(normed, self.empty_shape_tokens.expand(len(tokens), -1, -1))
        for _ in range(iterations - 1):
            betas = betas + self.correction(normed, betas)
        return betas

    def correction(self, tokens: Tensor, betas: Tensor) -> Tensor:
        """What to add to `betas`; to nothing at all the first time, when they are the learned ones."""
        shift, scale, gate = self.shapeLN_modulation(self.embed_shape(betas)).chunk(3, dim=-1)
        modulated = F.layer_norm(tokens, tokens.shape[-1:], eps=1e-6) * (1 + scale) + shift
        hidden = self.trunk(gate * modulated + tokens)
        out: Tensor = self.shape_branch(self.trunk_norm(hidden))
        return out
