"""The network: an encoder and decoder with skips (Ronneberger et al. 2015), and a head for each label map."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

HEIGHT, WIDTH = 192, 144  # of its input
STRIDE = 2  # of its logits
MEAN, STD = 0.5, 0.25  # of its input's channels

_CHANNELS = (24, 56, 96, 144)  # at strides 2, 4, 8, 16
_LAST = 32  # channels that the heads see


class ParsingNetwork(nn.Module):
    """A picture's logits in several label maps.

    Args:
        classes: of each map.
    """

    def __init__(self, classes: Sequence[int]) -> None:
        super().__init__()
        self.trunk = Trunk(_CHANNELS, _LAST, STRIDE)
        self.heads = nn.ModuleList(nn.Conv2d(_LAST, count, 1) for count in classes)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """(B, 3, H, W), H and W multiples of 16, to (B, classes, H/2, W/2) for each map."""
        features = self.trunk(pictures)
        return [head(features) for head in self.heads]

    def alone(self, number: int) -> nn.Sequential:
        """The trunk and one head, sharing this network's weights."""
        return nn.Sequential(self.trunk, self.heads[number])


class Trunk(nn.Module):
    """(B, 3, H, W), H and W multiples of 16, to (B, last, H/stride, W/stride).

    Args:
        channels: at strides 2, 4, 8, 16.
        last: channels of the result.
        stride: of the result, 2 or 4.
    """

    def __init__(self, channels: Sequence[int], last: int, stride: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, stride=2), conv(16, channels[0]))
        steps = list(pairwise(channels))
        self.down = nn.ModuleList(nn.Sequential(conv(*step, stride=2), ResidualConvolution(step[1])) for step in steps)
        # Left and right are told apart by all of the body.
        self.bottom = nn.Sequential(
            ResidualConvolution(channels[-1], dilation=2), ResidualConvolution(channels[-1], dilation=3)
        )
        finest = stride // 2 - 1
        outputs = [last, *channels[finest + 1 : -1]]
        self.across = nn.ModuleList(nn.Conv2d(inner, outer, 1, bias=False) for outer, inner in steps[finest:])
        self.up = nn.ModuleList(conv(outer, out) for outer, out in zip(channels[finest:-1], outputs, strict=True))

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
        self.conv = conv(channels, channels, dilation=dilation)

    def forward(self, features: Tensor) -> Tensor:
        refined: Tensor = features + self.conv(features)
        return refined


def conv(channels: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Three by three, normalised, rectified."""
    convolution = nn.Conv2d(channels, out, 3, stride, padding=dilation, dilation=dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())


def normal(photos: Tensor) -> Tensor:
    """Levels, (B, H, W, 3) uint8 in RGB, as the network's input, (B, 3, H, W)."""
    channels = photos.permute(0, 3, 1, 2).float()  # in memory still channels last, which convolutions like
    return (channels / 255 - MEAN) / STD


def levels_of(pictures: Tensor) -> NDArray[np.uint8]:
    """Networks' inputs as pictures again, (B, H, W, 3)."""
    levels: NDArray[np.uint8] = ((pictures * STD + MEAN).clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return levels
