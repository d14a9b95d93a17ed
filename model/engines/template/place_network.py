"""Which layer and which point of the template each pixel of a photo shows: a U-Net (Ronneberger et al. 2015).

Places are predicted in the camera's axes and then turned by the azimuth that the network predicts for the whole photo:
left or right and front or back would otherwise be an exclusive-or of the side of the picture and the side of the
person, which networks are slow to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.engines.template.parsed import CLASSES, one_hot
from model.engines.template.parsed import STRIDE as PARSED_STRIDE

Affine = TypeVar("Affine", nn.Conv2d, nn.Linear)

LAYERS = 8  # of `model.clothes.buffers.Layer`, nothing among them
STRIDE = 4  # of the network's finest features
PLACE_STRIDE = 2  # of places and their spreads

_CHANNELS = (64, 96, 128, 160)  # at strides 4, 8, 16, 32
_WHOLE = 160  # what is known of the photo as a whole
_PLACE = 6  # channels: a point in the camera's axes, its spread, a correction of x and z
_COARSE = 3 + LAYERS  # channels of the coarser answers that training looks at: place and layers
_GREY = 0.5  # behind the person, as in the avatar's photos
_SPREADS = -6.0, 0.0  # of the logarithm


class PlaceMaps(NamedTuple):
    """What is predicted of photos of S x S pixels.

    layers: (B, 8, S, S) logits.
    seen: (B, 3, S/2, S/2) metres, the place in the camera's axes: right, up, towards the camera.
    places: (B, 3, S/2, S/2) metres, on the template (see `model.clothes.buffers.Buffers`).
    spreads: (B, 1, S/2, S/2), logarithm of a place's expected error in metres.
    gains: (B, 3, S/4, S/4), logarithm of what turns the photo's colours into evenly lit ones.
    azimuths: (B, 2) sine and cosine of the angle around the person from which the photo was taken, not yet unit.
    coarse: (B, 11, S/8, S/8), (B, 11, S/16, S/16): seen and layers again, from coarser features. Only training asks.
    """

    layers: Tensor
    seen: Tensor
    places: Tensor
    spreads: Tensor
    gains: Tensor
    azimuths: Tensor
    coarse: Tensor
    coarsest: Tensor


class PlaceNetwork(nn.Module):
    """Photos (B, 4, S, S), S a multiple of 32: a person on grey and their matte, 0..1; and what label networks say of
    them, (B, 3, S/2, S/2), see `parsed.Parsers`; all 0 where nobody was asked: to a `PlaceMaps`."""

    def __init__(self, channels: Sequence[int] = _CHANNELS) -> None:
        super().__init__()
        fine, *coarser = channels
        bottom = channels[-1]
        stem = nn.Conv2d(4 * STRIDE**2 + 2 + sum(CLASSES), fine, 1)
        self.stem = nn.Sequential(stem, _convolution(fine, fine), ResidualBlock(fine))
        pairs = list(zip(channels, coarser, strict=False))
        self.down = nn.ModuleList(nn.Sequential(_convolution(a, b, stride=2), ResidualBlock(b)) for a, b in pairs)
        self.bottom = nn.Sequential(ResidualBlock(bottom), ResidualBlock(bottom))
        self.whole = nn.Sequential(nn.Linear(2 * bottom, _WHOLE), nn.ReLU(inplace=True))
        self.azimuth = nn.Linear(_WHOLE, 2)
        self.modulation = _faint(nn.Linear(_WHOLE + 2, 2 * bottom))
        self.up = nn.ModuleList(nn.Sequential(_convolution(a + b, a), ResidualBlock(a)) for a, b in reversed(pairs))
        self.coarse = nn.ModuleList(nn.Conv2d(count, _COARSE, 1) for count in channels[-2:0:-1])
        self.layers = _faint(nn.Conv2d(fine, LAYERS * STRIDE**2, 3, padding=1))
        self.places = _faint(nn.Conv2d(fine, _PLACE * (STRIDE // PLACE_STRIDE) ** 2, 3, padding=1))
        self.gains = _faint(nn.Conv2d(fine, 3, 3, padding=1))

    def forward(self, photos: Tensor, parsed: Tensor) -> PlaceMaps:
        cells = F.pixel_unshuffle(photos, STRIDE)
        said = one_hot(parsed, STRIDE // PARSED_STRIDE).to(cells)
        skips: list[Tensor] = [self.stem(torch.cat([cells, _coordinates(cells), said], 1))]
        for down in self.down:
            skips.append(down(skips[-1]))
        features = self.bottom(skips.pop())
        whole = self.whole(torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1))
        azimuths = self.azimuth(whole)
        scale, shift = self.modulation(torch.cat([whole, azimuths], 1))[..., None, None].chunk(2, 1)
        features = features * (1 + scale) + shift
        levels = []
        for up in self.up:
            features = up(torch.cat([skips.pop(), _doubled(features)], 1))
            levels.append(features)
        coarsest, coarse = (head(level).float() for head, level in zip(self.coarse, levels, strict=False))
        azimuths = azimuths.float()
        seen, spreads, correction = self._places(features)
        x, z = correction.unbind(1)
        return PlaceMaps(
            layers=F.pixel_shuffle(self.layers(features), STRIDE).float(),
            seen=seen,
            places=turned(seen, F.normalize(azimuths.detach(), dim=1)) + torch.stack([x, torch.zeros_like(x), z], 1),
            spreads=spreads,
            gains=self.gains(features).float(),
            azimuths=azimuths,
            coarse=coarse,
            coarsest=coarsest,
        )

    def _places(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        finer = F.pixel_shuffle(self.places(features), STRIDE // PLACE_STRIDE).float()
        seen, spreads, correction = torch.split(finer, [3, 1, 2], dim=1)
        low, high = _SPREADS
        return seen, (spreads + low / 2).clamp(low, high), correction


def on_grey(colours: Tensor) -> Tensor:
    """What the network is shown of people without background, (B, 4, S, S): colours times alpha, and alpha."""
    alpha = colours[:, 3:]
    return torch.cat([colours[:, :3] + _GREY * (1 - alpha), alpha], 1)


def turned(seen: Tensor, azimuths: Tensor) -> Tensor:
    """Points in the camera's axes, (B, 3, H, W), in the template's. azimuths: (B, 2), sine and cosine."""
    right, up, near = seen.unbind(1)
    sine, cosine = azimuths[..., None, None].unbind(1)
    return torch.stack([right * cosine + near * sine, up, near * cosine - right * sine], 1)


def turned_back(places: Tensor, azimuths: Tensor) -> Tensor:
    """What `turned` undoes: points of the template, (B, 3, H, W), in the camera's axes."""
    return turned(places, azimuths * azimuths.new_tensor([-1.0, 1.0]))


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.convolutions = nn.Sequential(_convolution(channels, channels), second)

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.convolutions(features))


def _convolution(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


def _faint(layer: Affine) -> Affine:
    """A layer that says next to nothing at first."""
    nn.init.normal_(layer.weight, 0, 1e-2)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _coordinates(cells: Tensor) -> Tensor:
    """(B, 2, H, W): where in the picture each cell is, from -1 to 1, across and down."""
    size = cells.shape[-1]
    along = (torch.arange(size, device=cells.device, dtype=cells.dtype) + 0.5) * (2 / size) - 1
    down, across = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([across, down]).expand(len(cells), -1, -1, -1)


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
