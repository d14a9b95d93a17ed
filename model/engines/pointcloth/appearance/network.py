"""The rendering network: a U-Net with one head for colours and one for where they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DESCRIPTOR = 16  # numbers of a point, as published
_WIDTHS = (16, 32, 64, 128, 256)  # channels from full size to a sixteenth, as published


class RenderingNetwork(nn.Module):
    """coverage: (B, 1, H, W) and features: (B, 16, H, W) of the splatted cloud, to colours, (B, 3, H, W) in -1..1, and
    the outfit's mask, (B, 1, H, W) in 0..1. H and W are multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.model = UNet()
        width = _WIDTHS[0]
        self.rgb_head = nn.Sequential(
            *(nn.BatchNorm2d(width), nn.ReLU(), nn.Identity()),
            *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.Identity()),
            *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.Identity()),
            *(nn.Conv2d(width, 3, 3, padding=1), nn.Tanh()),
        )
        self.segm_head = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Identity(), nn.Conv2d(width, 1, 3, padding=1), nn.Sigmoid()
        )

    def forward(self, coverage: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.model(torch.cat([coverage, features], 1))
        return self.rgb_head(shared), self.segm_head(shared)


class UNet(nn.Module):
    """(B, 17, H, W) -> (B, 16, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        first, *_ = _WIDTHS
        self.start = _Pair(1 + DESCRIPTOR, first, norm=True)
        for i in range(1, len(_WIDTHS)):
            setattr(self, f"down{i}", _Down(_WIDTHS[i - 1], _WIDTHS[i]))
        for i in range(len(_WIDTHS) - 1, 0, -1):
            setattr(self, f"up{i}", _Up(_WIDTHS[i], _WIDTHS[i - 1]))
        self.final = nn.Sequential(nn.Conv2d(first, first, 1))

    def forward(self, x: Tensor) -> Tensor:
        kept = [self.start(x)]
        for i in range(1, len(_WIDTHS)):
            kept.append(getattr(self, f"down{i}")(kept[-1]))
        x = kept.pop()
        for i in range(len(_WIDTHS) - 1, 0, -1):
            x = getattr(self, f"up{i}")(x, kept.pop())
        out: Tensor = self.final(x)
        return out


class _Pair(nn.Module):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Sequential(
                nn.Conv2d(channels, outputs, 3, padding=1), *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU()
            )
            for channels in (inputs, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(x))
        return out


class _Down(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.AvgPool2d(2)
        self.conv = _Pair(inputs, outputs, norm=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.down(x))
        return out


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1)),
        )
        self.conv = _Pair(2 * outputs, outputs, norm=False)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.conv(torch.cat([self.up(x), skip], 1))
        return out


def composited(colours: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """Colours in -1..1 on a background in 0..1, in -1..1."""
    return ((colours + 1) / 2 * mask + background * (1 - mask)) * 2 - 1
