"""How much each place of each photo tells about each view, from what the view's body pose looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.up2you.features.pose_encoder import PoseEncoder
from model.engines.up2you.features.transformer_blocks import HEADS, CrossAttentionBlock, SelfAttentionBlock, by_heads

POSE_SIZE = 512  # pixels a side of the poses it sees, as published


class FeatureAggregator(nn.Module):
    """Pose tokens look at each other, then at all photos; their mean then tells how well each place corresponds.

    Args:
        channels: of the pose encoder, see there.
        dim: of the tokens and of the photos' features.
        blocks: "self" or "cross", in their order.
        hidden: of the blocks' MLPs.
        pose_size: pixels to which pose images are brought.
        smooth: average the correspondences with their neighbours, as in training. The published inference does not.
    """

    def __init__(
        self,
        channels: Sequence[int],
        dim: int,
        blocks: Sequence[str],
        hidden: int,
        *,
        pose_size: int = POSE_SIZE,
        smooth: bool = False,
    ) -> None:
        super().__init__()
        self.pose_size = pose_size
        self.smooth = smooth
        self.pose_patch_embed = PoseEncoder(channels, dim)
        self.blocks = nn.ModuleList(
            CrossAttentionBlock(dim, hidden) if kind == "cross" else SelfAttentionBlock(dim, hidden, qk_norm=True)
            for kind in blocks
        )
        self.out_attn = AttentionScores(dim)

    def forward(self, poses: Tensor, features: Tensor, alphas: Tensor | None = None) -> Tensor:
        """
        Args:
            poses: (views, 3, H, W) in 0..1, the body's normals as pictures.
            features: (photos, g, g, C), float32.
            alphas: (photos, H, W) in 0..1; where one is 0, so is the weight.

        Returns:
            weight maps, (views, photos, g, g) >= 0, on no particular scale.
        """
        weights = self.scores(poses, features).relu()
        grid = features.shape[1:3]
        return weights if alphas is None else weights * F.interpolate(alphas[None], grid, mode="nearest")

    def scores(self, poses: Tensor, features: Tensor) -> Tensor:
        """The same before what is below 0 becomes 0, and what is transparent."""
        photos, grid = len(features), features.shape[1:3]
        context = features.flatten(0, 2)[None]  # (1, photos * g * g, C)
        tokens = self.pose_tokens(poses)
        for block in self.blocks:
            tokens = block(tokens, context) if isinstance(block, CrossAttentionBlock) else block(tokens)
        scores: Tensor = self.out_attn(tokens, context[0]).view(-1, photos, *grid)
        if self.smooth:
            scores = F.avg_pool2d(scores, kernel_size=3, stride=1, padding=1)
        return scores

    def pose_tokens(self, poses: Tensor) -> Tensor:
        """(views, 3, H, W) -> (views, N, C)."""
        size = (self.pose_size, self.pose_size)
        tokens: Tensor = self.pose_patch_embed(F.interpolate(poses, size, mode="bilinear", antialias=True))
        return tokens


class AttentionScores(nn.Module):
    """The mean over heads and query tokens of the attention scores before their softmax.

    A mean of dot products is the dot product with the mean, so the scores never need to exist: at the published size
    and with 8 photos those of one view take 0.7 GB. For the same reason no key does.
    """

    def __init__(self, dim: int, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = math.sqrt(dim // heads)
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """
        Args:
            tokens: (B, N, C).
            context: (M, C).

        Returns:
            (B, M).
        """
        query = self.q_proj(tokens.mean(1))  # (B, C)
        key = self.k_proj
        scores: Tensor = query @ key.weight @ context.T + (query @ key.bias)[:, None]  # summed over the heads
        return scores / (self.heads * self.temperature)

    def plainly(self, tokens: Tensor, context: Tensor) -> Tensor:
        """The same with every score written out: what `forward` must agree with."""
        query, key = by_heads(self.q_proj(tokens), self.heads), by_heads(self.k_proj(context)[None], self.heads)
        scores: Tensor = query @ key.transpose(-1, -2) / self.temperature  # (B, heads, N, M)
        return scores.mean((1, 2))
