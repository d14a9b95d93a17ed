"""What photos show, pixel by pixel: the place network's answer for a photo and its mirror image, made one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.parsed import other_side
from model.engines.template.place_network import LAYERS, PlaceMaps, on_grey

CHANNELS = 4 + LAYERS + 3 + 1 + 2  # colours and alpha; layers; place; its error; azimuth
_SOLID = 0.5  # alpha from which somebody is there
_DARK = 0.02  # added to colours whose quotient is taken


class PhotoLabels(nn.Module):
    """Photos (B, 4, S, S), colours times alpha, and alpha, and what label networks say of them, (B, 3, S/2, S/2), to
    what they show, (B, 18, S, S):

    evenly lit colours (3), not times alpha; alpha; shares of layers (8), summing to 1; place in metres (3); its
    expected error in metres (1); sine and cosine of the photo's azimuth (2), everywhere the same.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor, parsed: Tensor) -> Tensor:
        seen = on_grey(photos)
        mirrored = self.network(seen.flip(-1), other_side(parsed).flip(-1))
        shares, places, errors, gains, azimuths = _merged(self.network(seen, parsed), mirrored)
        size, alpha = photos.shape[-1], photos[:, 3:]
        places, errors, gains = (_enlarged(plane, size) for plane in (places, errors, gains))
        straight = photos[:, :3] / alpha.clamp(min=1e-3)
        even = (straight * gains.exp()).clamp(0, 1)
        turns = azimuths[..., None, None].expand(-1, -1, size, size)
        return torch.cat([even, alpha, shares, places, errors, turns], 1)


def _merged(found: PlaceMaps, mirrored: PlaceMaps) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Shares, places, their errors, gains and azimuths: means of both answers, surer places counting more."""
    other_side = found.places.new_tensor([-1.0, 1.0, 1.0])[:, None, None]
    places, other = found.places, mirrored.places.flip(-1) * other_side
    errors, other_errors = found.spreads.exp(), mirrored.spreads.flip(-1).exp()
    share = errors**-2 / (errors**-2 + other_errors**-2)
    disagreement = (places - other).abs().mean(1, keepdim=True)
    azimuths = found.azimuths + mirrored.azimuths * found.azimuths.new_tensor([-1.0, 1.0])
    return (
        (found.layers.softmax(1) + mirrored.layers.flip(-1).softmax(1)) / 2,
        share * places + (1 - share) * other,
        (errors + other_errors + disagreement) / 2,
        (found.gains + mirrored.gains.flip(-1)) / 2,
        F.normalize(azimuths, dim=1),
    )


def _enlarged(plane: Tensor, size: int) -> Tensor:
    return F.interpolate(plane, size=(size, size), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class LabelledPixels:
    """The same of N photos, for what is no network.

    colours: (N, S, S, 3). alphas: (N, S, S). shares: (N, S, S, 8). places: (N, S, S, 3). errors: (N, S, S).
    azimuths: (N,) radians.
    """

    colours: Floats
    alphas: Floats
    shares: Floats
    places: Floats
    errors: Floats
    azimuths: Floats

    @classmethod
    def of(cls, features: Tensor) -> LabelledPixels:
        """From what `PhotoLabels` says, its channels last: (N, S, S, 18)."""
        parts = torch.split(features.float().cpu(), [3, 1, LAYERS, 3, 1, 2], dim=-1)
        colours, alphas, shares, places, errors, turns = (part.numpy() for part in parts)
        azimuths = np.arctan2(turns[:, 0, 0, 0], turns[:, 0, 0, 1])
        return cls(colours, alphas[..., 0], shares, places, errors[..., 0], azimuths)

    def looked_closer_at(self, photos: Floats) -> LabelledPixels:
        """The same with the colours of larger pictures of the photos, (N, s, s, 4), colours times alpha, and alpha;
        what is known of light and places has no finer detail than before."""
        size = photos.shape[1]
        closer = np.stack([_straight(photo) for photo in photos])
        colours = evenly_lit(closer, _larger(self.gains(photos), size))
        shares, places, errors = (_larger(plane, size) for plane in (self.shares, self.places, self.errors))
        return LabelledPixels(colours, photos[..., 3], shares, places, errors, self.azimuths)

    def gains(self, photos: Floats) -> Floats:
        """(N, S, S, 3): what turns colours of the same photos, (N, s, s, 4), not smaller ones, into evenly lit ones;
        see `evenly_lit`."""
        before = self.colours.shape[1]
        smaller = [cv2.resize(photo, (before, before), interpolation=cv2.INTER_AREA) for photo in photos]
        seen = np.stack([_straight(np.asarray(photo)) for photo in smaller])
        gains: Floats = (self.colours + _DARK) / (seen + _DARK)
        return gains

    def each(self) -> Iterator[tuple[NDArray[np.uint8], Floats, float, Floats]]:
        """Of each photo the likeliest layers, places, azimuth and colours."""
        return zip(self.layers(), self.places, self.azimuths.tolist(), self.colours, strict=True)

    def layers(self) -> NDArray[np.uint8]:
        """(N, S, S): the likeliest layer where somebody is, nothing elsewhere."""
        return _likeliest(self.shares, self.alphas)

    def decided(self, *, dress: bool) -> NDArray[np.uint8]:
        """The same once it is known whether the person wears a dress: then nothing is called upper or lower, or else
        nothing a dress."""
        shares = self.shares.copy()
        upper, lower, whole = (shares[..., layer] for layer in (BodyLayer.UPPER, BodyLayer.LOWER, BodyLayer.ONE_PIECE))
        if dress:
            whole += upper + lower
            upper[:] = lower[:] = 0
        else:
            part = (upper + 1e-6) / (upper + lower + 2e-6)
            upper += whole * part
            lower += whole * (1 - part)
            whole[:] = 0
        return _likeliest(shares, self.alphas)


def evenly_lit(colours: Floats, gains: Floats) -> Floats:
    """Colours in 0..1, without the photo's light."""
    even: Floats = ((colours + _DARK) * gains - _DARK).clip(0, 1)
    return even


def _straight(photo: Floats) -> Floats:
    colours: Floats = (photo[..., :3] / np.maximum(photo[..., 3:], 1e-3)).clip(0, 1)
    return colours


def _larger(planes: Floats, size: int) -> Floats:
    """(N, size, size, ...) of (N, S, S, ...)."""
    return np.stack([cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR) for plane in planes])


def _likeliest(shares: Floats, alphas: Floats) -> NDArray[np.uint8]:
    layers = shares[..., 1:].argmax(-1).astype(np.uint8) + np.uint8(1)
    return np.where(alphas > _SOLID, layers, np.uint8(BodyLayer.NOTHING))
