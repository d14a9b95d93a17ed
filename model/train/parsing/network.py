"""The network: an encoder and decoder with skips (Ronneberger et al. 2015), and a head for each label map."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

HEIGHT, WIDTH = 192, 144  # of its input
STRIDE = 2  # of its logits
MEAN, STD = 0.5, 0.25  # of its input's channels

_CHANNELS = (24, 48, 80, 112)  # at strides 2, 4, 8, 16
_LAST = 32


class ParsingNetwork(nn.Module):
    """A picture's logits in several label maps.

    Args:
        classes: of each map.
    """

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleList(nn.Conv2d(_LAST, count, 1) for count in classes)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """(B, 3, H, W), H and W multiples of 16, to (B, classes, H/2, W/2) for each map."""
        features = self.trunk(pictures)
        return [head(features) for head in self.heads]

    def alone(self, number: int) -> nn.Sequential:
        """The trunk and one head, sharing this network's weights."""
        return nn.Sequential(self.trunk, self.heads[number])


class Trunk(nn.Module):
    """(B, 3, H, W) to (B, 32, H/2, W/2)."""

    def __init__(self) -> None:
        super().__init__()
        fine, *coarser = _CHANNELS
        self.stem = nn.Sequential(_conv(3, 16, stride=2), _conv(16, fine))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(outer, inner, stride=2), ResidualConvolution(inner))
            for outer, inner in zip(_CHANNELS, coarser, strict=False)
        )
        self.bottom = ResidualConvolution(_CHANNELS[-1], dilation=2)  # left and right are told apart by all of the body
        self.across = nn.ModuleList(
            nn.Conv2d(inner, outer, 1, bias=False) for outer, inner in zip(_CHANNELS, coarser, strict=False)
        )
        self.up = nn.ModuleList(_conv(outer, _LAST if outer == fine else outer) for outer in _CHANNELS[:-1])

    def forward(self, pictures: Tensor) -> Tensor:
        skips: list[Tensor] = [self.stem(pictures)]
        for down in self.down:
            skips.append(down(skips[-1]))
        features: Tensor = self.bottom(skips.pop())
        for up, across in zip(reversed(self.up), reversed(self.across), strict=True):
            wider = F.interpolate(across(features), scale_factor=2.0, mode="bilinear", align_corners=False)
            features = up(skips.pop() + wider)
        return features


class ResidualConvolution(nn.Module):
    """A convolution beside the identity."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = _conv(channels, channels, dilation=dilation)

    def forward(self, features: Tensor) -> Tensor:
        refined: Tensor = features + self.conv(features)
        return refined


def _conv(channels: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, 3, stride, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())


def normal(photos: Tensor) -> Tensor:
    """Levels, (B, H, W, 3) uint8 in RGB, as the network's input, (B, 3, H, W)."""
    channels = photos.permute(0, 3, 1, 2).float()  # in memory still channels last, which convolutions like
    return (channels / 255 - MEAN) / STD
