"""SCHP's network: a ResNet-101 whose features of several scales are used, a pyramid of pools, and edges fused in.

    picture ─► stem ─► x2 (1/4) ─► x3 (1/8) ─► x4 ─► x5 (1/16) ─► pyramid of pools ─┐
                        │           │          │                                   ▼
                        └───────────┴──────────┴─► edges (e1, e2, e3)   decoder of x2 and the pyramid
                                                        └───────────► fusion ◄──────┘ ─► logits (1/4)

Modules are called as in the published checkpoints. All upsampling is bilinear with corners aligned; all norms are
followed by a leaky ReLU, but for the backbone's. The layers that only give the parsing and edge branches of training
are loaded with the rest and not run.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDES = {20: 473, 18: 512}  # classes -> the square input's side, of LIP and ATR
_POOLS = (1, 2, 3, 6)  # cells a side, as published
_SLOPE = 0.01  # of the leaky ReLU, as published


class SCHP(nn.Module):
    """(1, 3, S, S), normalised, to logits (1, classes, S / 4, S / 4)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.conv1, self.bn1 = _convolution(3, 64, 3, stride=2), nn.BatchNorm2d(64)
        self.conv2, self.bn2 = _convolution(64, 64, 3), nn.BatchNorm2d(64)
        self.conv3, self.bn3 = _convolution(64, 128, 3), nn.BatchNorm2d(128)
        self.layer1 = _stage(128, 64, 3)
        self.layer2 = _stage(256, 128, 4, stride=2)
        self.layer3 = _stage(512, 256, 23, stride=2)
        self.layer4 = _stage(1024, 512, 3, dilation=2)
        self.context_encoding = PyramidPooling(2048, 512)
        self.edge = EdgeBranch()
        self.decoder = Decoder(classes)
        self.fushion = nn.Sequential(_convolution(1024, 256), _norm(256), nn.Dropout2d(0.1), nn.Conv2d(256, classes, 1))

    def forward(self, picture: Tensor) -> Tensor:
        stem = picture
        for convolution, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            stem = F.relu(norm(convolution(stem)))
        x2 = self.layer1(F.max_pool2d(stem, 3, stride=2, padding=1))
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        parsed = self.decoder(self.context_encoding(self.layer4(x4)), x2)
        logits: Tensor = self.fushion(torch.cat([parsed, *self.edge(x2, x3, x4)], dim=1))
        return logits


class PyramidPooling(nn.Module):
    """Means over 1, 4, 9 and 36 parts of the picture beside what they are means of."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Identity(), _convolution(channels, out), _norm(out)) for _ in _POOLS
        )
        self.bottleneck = nn.Sequential(_convolution(channels + len(_POOLS) * out, out, 3), _norm(out))

    def forward(self, features: Tensor) -> Tensor:
        parts = [
            _enlarged(stage(pooled(features, side)), features) for stage, side in zip(self.stages, _POOLS, strict=True)
        ]
        context: Tensor = self.bottleneck(torch.cat([*parts, features], dim=1))
        return context


def pooled(features: Tensor, side: int) -> Tensor:
    """(N, C, h, w) to (N, C, side, side) means, as adaptive pooling gives them; as products, which ONNX can say."""
    height, width = (_means(length, side, features) for length in features.shape[-2:])
    return height @ features @ width.T


def _means(length: int, parts: int, like: Tensor) -> Tensor:
    rows = torch.zeros((parts, length), dtype=like.dtype, device=like.device)
    for i in range(parts):
        first, last = i * length // parts, -(-(i + 1) * length // parts)
        rows[i, first:last] = 1 / (last - first)
    return rows


class EdgeBranch(nn.Module):
    """What three scales know of edges; 768 channels at the size of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (
            nn.Sequential(_convolution(channels, 256), _norm(256)) for channels in (256, 512, 1024)
        )
        self.conv4, self.conv5 = nn.Conv2d(256, 2, 3, padding=1), nn.Conv2d(6, 2, 1)  # of training alone

    def forward(self, x2: Tensor, x3: Tensor, x4: Tensor) -> list[Tensor]:
        return [self.conv1(x2), _enlarged(self.conv2(x3), x2), _enlarged(self.conv3(x4), x2)]


class Decoder(nn.Module):
    """The pyramid at the size of the first scale, and both looked at together; 256 channels."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(_convolution(512, 256), _norm(256))
        self.conv2 = nn.Sequential(_convolution(256, 48), _norm(48))
        self.conv3 = nn.Sequential(_convolution(304, 256), _norm(256), _convolution(256, 256), _norm(256))
        self.conv4 = nn.Conv2d(256, classes, 1)  # of training alone

    def forward(self, context: Tensor, x2: Tensor) -> Tensor:
        together = torch.cat([_enlarged(self.conv1(context), x2), self.conv2(x2)], dim=1)
        parsed: Tensor = self.conv3(together)
        return parsed


class Bottleneck(nn.Module):
    """Narrow, look around, widen; beside what came in."""

    def __init__(self, channels: int, planes: int, stride: int, dilation: int, *, shortcut: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = _convolution(channels, planes), nn.BatchNorm2d(planes)
        self.conv2 = _convolution(planes, planes, 3, stride=stride, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = _convolution(planes, 4 * planes), nn.BatchNorm2d(4 * planes)
        self.downsample = (
            nn.Sequential(_convolution(channels, 4 * planes, stride=stride), nn.BatchNorm2d(4 * planes))
            if shortcut
            else None
        )

    def forward(self, features: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(features)))
        inner = F.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        beside = features if self.downsample is None else self.downsample(features)
        return F.relu(inner + beside)


def _stage(channels: int, planes: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    first = Bottleneck(channels, planes, stride, dilation, shortcut=True)
    rest = (Bottleneck(4 * planes, planes, 1, dilation, shortcut=False) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def _convolution(channels: int, out: int, size: int = 1, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (size // 2)
    return nn.Conv2d(channels, out, size, stride=stride, padding=padding, dilation=dilation, bias=False)


def _norm(channels: int) -> nn.Module:
    return LeakyNorm(channels)


class LeakyNorm(nn.BatchNorm2d):
    """A norm and the activation after it: one module in the checkpoints."""

    def forward(self, features: Tensor) -> Tensor:
        return F.leaky_relu(super().forward(features), _SLOPE)


def _enlarged(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, like.shape[-2:], mode="bilinear", align_corners=True)
