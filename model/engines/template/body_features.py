"""What labelled pixels say of clothes and body: where along the body each layer is, and how wide the body is there.

Everything is counted in canonical bands, that is by the template's places, so pose and camera hardly matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.clothes.cloth_coordinates import ARMPIT

_BANDS = np.linspace(-0.95, 0.85, 25)  # edges of bands of the template's height, metres
_REACHES = np.array([0, 0.06, 0.12, 0.17, 0.21, 0.26, 0.30, 0.34, 0.38, 0.45, 0.55, 0.65, 1.0])  # of |x| along the arms
_MIDDLE = 0.05  # |x| between the knees, whose inner sides are at 0.065: a skirt is there, trousers are not
_TRUNK = 0.22  # |x| within which no arm is
_SLOPE = -0.3, 0.8  # heights between which the trunk and head are upright in all poses
_LEAST_PIXELS = 50  # of an upright trunk, for a scale; a tenth of them for a band's width, a fifth for its colours
_LEAST_SCALE = 5.0  # pixels a metre: of somebody 9 pixels high, or upside down, nothing is measured
_SIDES = 0.4, 0.85  # |sine of the azimuth| between which a photo is oblique

# How many layers there are without the background, bands of heights, and bands along the arms.
_LAYERS, _HEIGHTS, _ALONG = len(BodyLayer) - 1, len(_BANDS) - 1, len(_REACHES) - 1
_CLOTHES = BodyLayer.UPPER - 1, BodyLayer.LOWER - 1, BodyLayer.ONE_PIECE - 1
_APART = 1, 3, 6  # bands whose colours are compared: those of a dress are alike above and below the waist
COUNT = (
    _LAYERS * (2 * _HEIGHTS + _ALONG + 1)
    + 2 * 3 * _HEIGHTS
    + 2 * (_HEIGHTS - 1)
    + _HEIGHTS
    + sum(_HEIGHTS - apart for apart in _APART)
)


@dataclass(frozen=True)
class PhotoCounts:
    """Of one photo. heights: (7, 24), shares of its pixels of each layer in each band; middle: of those at the body's
    middle; reaches: (7, 12), along the arms. widths: (3, 24) metres, in the row of the side it was taken from;
    stretch: (23,), how much longer the body is from band to band than the template. The last two are nan where they
    are not seen. cloth: (7, 24), of the cloth on the trunk in each band how many pixels there are, the sums of their
    colours, and of the squares of these."""

    heights: Floats
    middle: Floats
    reaches: Floats
    widths: Floats
    stretch: Floats
    cloth: Floats


def counts(layers: NDArray[np.uint8], places: Floats, azimuth: float, colours: Floats) -> PhotoCounts:
    """Of a photo. layers: (H, W). places: (H, W, 3). azimuth: radians. colours: (H, W, 3), evenly lit."""
    rows, columns = np.nonzero(layers)
    here, points = layers[rows, columns].astype(np.intp) - 1, places[rows, columns].astype(np.float32)
    x, y = np.abs(points[:, 0]), points[:, 1]
    band = np.clip(np.digitize(y, _BANDS) - 1, 0, _HEIGHTS - 1)
    reach = np.clip(np.digitize(x, _REACHES) - 1, 0, _ALONG - 1)
    arms, middle = y > ARMPIT, x < _MIDDLE
    widths, stretch = _extents(rows, x, y, band, azimuth)
    share = 1 / max(len(rows), 1)
    return PhotoCounts(
        heights=_histogram(here, band, _HEIGHTS) * share,
        middle=_histogram(here[middle], band[middle], _HEIGHTS) * share,
        reaches=_histogram(here[arms], reach[arms], _ALONG) * share,
        widths=widths,
        stretch=stretch,
        cloth=_cloth(colours[rows, columns], band, np.isin(here, _CLOTHES) & (x < _TRUNK)),
    )


def pooled(photos: Sequence[PhotoCounts]) -> Floats:
    """What all photos of a person say together, (COUNT,)."""
    heights, middle, reaches = (
        np.sum([getattr(photo, name) for photo in photos], 0) for name in ("heights", "middle", "reaches")
    )
    widths, stretch = (_seen_mean([getattr(photo, name) for photo in photos]) for name in ("widths", "stretch"))
    parts = [
        heights / np.maximum(heights.sum(0), 1e-3),
        middle / np.maximum(heights, 1e-3),
        reaches / np.maximum(reaches.sum(0), 1e-3),
        heights.sum(1) / max(len(photos), 1),
        *widths,
        *stretch,
        *_contrasts(np.sum([photo.cloth for photo in photos], 0)),
    ]
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def _histogram(layers: NDArray[np.intp], bins: NDArray[np.intp], count: int) -> Floats:
    flat = np.bincount(layers * count + bins, minlength=_LAYERS * count)
    return flat.reshape(_LAYERS, count).astype(np.float32)


def _extents(
    rows: NDArray[np.intp], x: Floats, y: Floats, band: NDArray[np.intp], azimuth: float
) -> tuple[Floats, Floats]:
    """Widths and stretch of a photo. Its scale is that of the upright trunk."""
    widths, stretch = np.full((3, _HEIGHTS), np.nan, np.float32), np.full(_HEIGHTS - 1, np.nan, np.float32)
    trunk = x < _TRUNK
    upright = trunk & (y > _SLOPE[0]) & (y < _SLOPE[1])
    if upright.sum() < _LEAST_PIXELS or np.ptp(y[upright]) < 0.1:
        return widths, stretch
    scale = float(-np.polyfit(y[upright], rows[upright], 1)[0])  # pixels a metre
    if scale < _LEAST_SCALE:
        return widths, stretch
    high = np.float32(_BANDS[1] - _BANDS[0])
    number = np.bincount(band[trunk], minlength=_HEIGHTS)
    seen = number > _LEAST_PIXELS // 10
    side = int(np.digitize(abs(np.sin(azimuth)), _SIDES))
    widths[side, seen] = (number / (scale * high) / scale)[seen]
    middles = np.bincount(band[trunk], rows[trunk], _HEIGHTS) / np.maximum(number, 1)
    steps = -np.diff(middles) / (scale * high)
    both = seen[1:] & seen[:-1]
    stretch[both] = np.clip(steps - 1, -1, 1)[both]
    return widths, stretch


def _cloth(colours: Floats, band: NDArray[np.intp], which: NDArray[np.bool_]) -> Floats:
    values = np.concatenate([np.ones((len(colours), 1)), colours, colours**2], 1)[which]
    sums = [np.bincount(band[which], values[:, channel], _HEIGHTS) for channel in range(values.shape[1])]
    return np.stack(sums).astype(np.float32)


def _contrasts(cloth: Floats) -> list[Floats]:
    """How varied the cloth's colours are in each band, and how far they are from those of bands some way up; 0 where
    there is too little cloth to say."""
    seen = cloth[0] > _LEAST_PIXELS // 5
    mean, square = (part / np.maximum(cloth[0], 1) for part in (cloth[1:4], cloth[4:7]))
    spread = np.sqrt(np.maximum(square - mean**2, 0)).mean(0) * seen
    steps = [np.abs(mean[:, apart:] - mean[:, :-apart]).mean(0) * (seen[apart:] & seen[:-apart]) for apart in _APART]
    return [np.asarray(part, np.float32) for part in (spread, *steps)]


def _seen_mean(values: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The mean over the photos that show it, 0 where none does, and which any shows."""
    stack = np.stack(values)
    seen = np.isfinite(stack)
    mean = np.where(seen, stack, 0).sum(0) / np.maximum(seen.sum(0), 1)
    return np.asarray(mean, np.float32), np.asarray(seen.any(0), np.float32)
