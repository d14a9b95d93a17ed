"""What both networks are built of."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

# Of unseen people's features, before they are capped, at most one in 600 of any layer exceeds this; the largest of a
# layer is 3.8 in the median. A lower cap would cut what is taught, a higher one let through more of what is not.
_MOST = 5.0


class Norm(nn.BatchNorm2d):
    """Batch norm without its counter, which nothing here reads."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.num_batches_tracked = None

    def _load_from_state_dict(
        self, state: Mapping[str, Tensor], prefix: str, metadata: Mapping[str, object], *rest: object
    ) -> None:
        """Files do not say their version, and of old ones torch would expect the counter."""
        super()._load_from_state_dict(state, prefix, {**metadata, "version": self._version}, *rest)


def capped() -> nn.Hardtanh:
    """ReLU up to more than examples reach: far from the garment, where nothing is taught, features would grow from
    layer to layer."""
    return nn.Hardtanh(0.0, _MOST, inplace=True)


class ConvBlock(nn.Sequential):
    """3 x 3 convolution, batch norm, capped ReLU; with a stride of 2 it halves."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(channels, out, 3, stride, 1, bias=False), Norm(out), capped())


class Residual(nn.Module):
    """Two blocks beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), Norm(channels))
        self.relu = capped()

    def forward(self, features: Tensor) -> Tensor:
        summed: Tensor = self.relu(features + self.second(self.first(features)))
        return summed


class Level(nn.Sequential):
    """A block and a residual one: a level of an encoder or decoder."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__(ConvBlock(channels, out, stride), Residual(out))


def silent(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer that says almost nothing at first, so that training starts from what it adds to."""
    nn.init.normal_(layer.weight, 0, 1e-3)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
