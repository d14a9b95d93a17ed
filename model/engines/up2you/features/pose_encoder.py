"""From a pose image to tokens: a small convolutional network."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class PoseEncoder(nn.Module):
    """Halves the picture in its stem and in every layer but the first.

    Args:
        channels: of the stem, then of each layer; published: 32, 64, 128, 256, 512.
        dim: of the tokens.
    """

    def __init__(self, channels: Sequence[int], dim: int) -> None:
        super().__init__()
        stem = channels[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(stem), nn.ReLU6()
        )
        self._layers = len(channels) - 1
        for i in range(1, len(channels)):
            self.add_module(f"layer{i}", layer(channels[i - 1], channels[i], stride=1 if i == 1 else 2))
        self.final_proj = nn.Sequential(nn.Conv2d(channels[-1], dim, 1, bias=False), nn.BatchNorm2d(dim), nn.ReLU6())

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in 0..1 -> (B, H/p * W/p, C) with p = 16 for four layers."""
        maps = self.stem(pictures)
        for i in range(1, self._layers + 1):
            maps = self.get_submodule(f"layer{i}")(maps)
        tokens: Tensor = self.final_proj(maps).flatten(2).transpose(1, 2)
        return tokens


def layer(channels: int, out: int, stride: int) -> nn.Sequential:
    """Two residual blocks, the first of which changes the shape."""
    return nn.Sequential(SeparableBlock(channels, out, stride), SeparableBlock(out, out, 1))


class SeparableBlock(nn.Module):
    """Two separable convolutions beside a shortcut."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = SeparableConvolution(channels, out, stride)
        self.conv2 = SeparableConvolution(out, out, 1)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(maps)) + self.shortcut(maps))


class SeparableConvolution(nn.Module):
    """Each channel by itself in space, then all channels at each pixel."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, out, 1, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu6(self.bn(self.pointwise(self.depthwise(maps))))
