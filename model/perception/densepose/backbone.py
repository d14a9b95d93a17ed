"""ResNet-50 and the pyramid of its features. Modules are called as in the published checkpoint."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Of each stage: channels out of its blocks, channels within them, and how many there are.
_BLOCKS = {"res2": (64, 64, 3), "res3": (256, 128, 4), "res4": (512, 256, 6), "res5": (1024, 512, 3)}
CHANNELS = 256  # of the pyramid
LEVELS = (2, 3, 4, 5)  # level n is 2**n times smaller than the picture


class FrozenNorm(nn.Module):
    """A batch norm that never learns."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(channels))

    def forward(self, features: Tensor) -> Tensor:
        return F.batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=1e-5)


class NormedConvolution(nn.Conv2d):
    """A convolution and the norm after it."""

    def __init__(self, channels: int, out: int, size: int, stride: int = 1) -> None:
        super().__init__(channels, out, size, stride=stride, padding=size // 2, bias=False)
        self.norm = FrozenNorm(out)

    def forward(self, features: Tensor) -> Tensor:
        normed: Tensor = self.norm(super().forward(features))
        return normed


class Stem(nn.Module):
    """Four times smaller, 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = NormedConvolution(3, 64, 7, stride=2)

    def forward(self, picture: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv1(picture)), 3, stride=2, padding=1)


class DenseposeBottleneck(nn.Module):
    """The first convolution carries the stride."""

    def __init__(self, channels: int, planes: int, stride: int, *, first: bool) -> None:
        super().__init__()
        self.conv1 = NormedConvolution(channels, planes, 1, stride)
        self.conv2 = NormedConvolution(planes, planes, 3)
        self.conv3 = NormedConvolution(planes, 4 * planes, 1)
        self.shortcut = NormedConvolution(channels, 4 * planes, 1, stride) if first else None

    def forward(self, features: Tensor) -> Tensor:
        inner = self.conv3(F.relu(self.conv2(F.relu(self.conv1(features)))))
        return F.relu(inner + (features if self.shortcut is None else self.shortcut(features)))


class ResNet(nn.Module):
    """(N, 3, H, W) to the features of four levels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        for name, (channels, planes, blocks) in _BLOCKS.items():
            stride = 1 if name == "res2" else 2
            first = DenseposeBottleneck(channels, planes, stride, first=True)
            rest = (DenseposeBottleneck(4 * planes, planes, 1, first=False) for _ in range(blocks - 1))
            self.add_module(name, nn.Sequential(first, *rest))

    def forward(self, picture: Tensor) -> list[Tensor]:
        features = self.stem(picture)
        levels = []
        for name in _BLOCKS:
            features = self.get_submodule(name)(features)
            levels.append(features)
        return levels


class Backbone(nn.Module):
    """(N, 3, H, W), H and W multiples of 32, to five levels of 256 channels, 4 to 64 times smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.bottom_up = ResNet()
        for level in LEVELS:
            self.add_module(f"fpn_lateral{level}", nn.Conv2d(4 * 64 * 2 ** (level - 2), CHANNELS, 1))
            self.add_module(f"fpn_output{level}", nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))

    def forward(self, picture: Tensor) -> list[Tensor]:
        levels: list[Tensor] = []
        coarser: Tensor | None = None
        for level, features in reversed(list(zip(LEVELS, self.bottom_up(picture), strict=True))):
            merged: Tensor = self.get_submodule(f"fpn_lateral{level}")(features)
            if coarser is not None:
                merged = merged + F.interpolate(coarser, scale_factor=2, mode="nearest")
            coarser = merged
            levels.insert(0, self.get_submodule(f"fpn_output{level}")(merged))
        return [*levels, levels[-1][..., ::2, ::2]]
