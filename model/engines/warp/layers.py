"""What both networks are built of."""

from __future__ import annotations

from torch import Tensor, nn


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm without its counter, which nothing here reads."""
    layer = nn.BatchNorm2d(channels)
    layer.num_batches_tracked = None
    return layer


class Block(nn.Sequential):
    """3 x 3 convolution, batch norm, ReLU; with a stride of 2 it halves."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(channels, out, 3, stride, 1, bias=False), norm(out), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two blocks beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Block(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), norm(channels))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        summed: Tensor = self.relu(features + self.second(self.first(features)))
        return summed


class Level(nn.Sequential):
    """A block and a residual one: a level of an encoder or decoder."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__(Block(channels, out, stride), Residual(out))


def silent(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer that says almost nothing at first, so that training starts from what it adds to."""
    nn.init.normal_(layer.weight, 0, 1e-3)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
