"""The draping network: a Cloud Transformer (Mazur and Lempitsky 2021) that a code steers through its norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.engines.pointcloth.drape.attention import LatticeAttention
from model.engines.pointcloth.drape.layers import PointwiseConv
from model.engines.pointcloth.drape.norm import AdaIN

CODE = 8  # numbers of an outfit, as published
REPEATS = 4  # of the three kinds of blocks, as published


@dataclass(frozen=True)
class DrapeSizes:
    """Of the network; as published by default.

    encoder: widths from code to style. width: of a point's features. heads: features, 2D lattice and 3D lattice of each
    of a repeat's blocks.
    """

    encoder: tuple[int, ...] = (256, 512, 512, 512, 512)
    width: int = 512
    heads: tuple[tuple[int, int, int], ...] = ((16, 128, 32), (64, 64, 16), (128, 16, 8))


class DrapingNetwork(nn.Module):
    """Points of a body, (B, N, 3), and codes, (B, 8), to points of clothing, (B, N, 3), both in the upright frame."""

    def __init__(self, sizes: DrapeSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or DrapeSizes()
        style, width = sizes.encoder[-1], sizes.width
        self.encoder = nn.ModuleList([_Encoder(sizes.encoder)])
        self.start = nn.ModuleList([PointwiseConv(3, width), AdaIN(style, width, rectified=True)])
        kinds = [[(features, 2, flat), (features, 3, spatial)] for features, flat, spatial in sizes.heads]
        blocks = [DrapeBlock(width, heads, style) for _ in range(REPEATS) for heads in kinds]
        self.attentions_decoder = nn.ModuleList(blocks)
        self.final = nn.ModuleList(
            [
                PointwiseConv(width, width),
                AdaIN(style, width, rectified=True),
                nn.Identity(),
                PointwiseConv(width, 3, bias=True),
            ]
        )

    def forward(self, points: Tensor, codes: Tensor, shares: Tensor | None = None) -> Tensor:
        """`shares`, (1, N), if points stand for several each: the share of all that each stands for."""
        style = self.encoder[0](codes)
        x = self.started(points, style, shares)
        for block in self.attentions_decoder:
            x = block(x, style, points, shares)
        return self.finished(x, style, shares)

    def started(self, points: Tensor, style: Tensor, shares: Tensor | None = None) -> Tensor:
        """Features, (B, N, width), of points, (B, N, 3), before the first block."""
        convolution, norm = self.start
        x: Tensor = norm(convolution(points), style, shares)
        return x

    def finished(self, x: Tensor, style: Tensor, shares: Tensor | None = None) -> Tensor:
        """Points of clothing, (B, N, 3), from what the last block leaves, (B, N, width)."""
        convolution, norm, _, to_points = self.final
        cloth: Tensor = to_points(norm(convolution(x), style, shares))
        return cloth


class _Encoder(nn.Module):
    """A code's style: layers with a ReLU after every one."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        inputs = (CODE, *widths[:-1])
        self.mlps = nn.ModuleList([nn.Linear(a, b) for a, b in zip(inputs, widths, strict=True)])

    def forward(self, codes: Tensor) -> Tensor:
        for layer in self.mlps:
            codes = layer(codes).relu()
        return codes


class DrapeBlock(nn.Module):
    """Heads beside each other, added to what comes in. heads: features, dimensions and size of each one's lattice."""

    def __init__(self, width: int, heads: Sequence[tuple[int, int, int]], style: int) -> None:
        super().__init__()
        self.attentions = nn.ModuleList([LatticeAttention(width, features, style, *of) for features, *of in heads])
        features = sum(features for features, _, _ in heads)
        self.after = nn.ModuleList([PointwiseConv(features, width), AdaIN(style, width, rectified=True)])

    def forward(self, x: Tensor, style: Tensor, points: Tensor, shares: Tensor | None = None) -> Tensor:
        heads = torch.cat([head(x, style, points, shares) for head in self.attentions], -1)
        convolution, norm = self.after
        added: Tensor = norm(convolution(heads), style, shares, onto=x)
        return added
