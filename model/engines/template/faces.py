"""A photo's face, laid on the template's: labels are off by a centimetre or two, and a mouth beside the mouth shows.

Places within a face are made regular, then moved until eyes, brows, nostrils and mouth, which are darker than what is
around them on everybody, lie where the template has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from model.clothes.arrays import Floats

_CHIN, _THROAT = 0.60, 0.56  # metres of the template, upwards, between which the face ends
_CHEEKS, _EARS = 0.07, 0.03  # the same, forwards
_LEAST_PIXELS = 40  # of a face that is looked at
# What is dark: |x|, y, half width and half height in metres, and how dark.
_FEATURES = (
    (0.0315, 0.681, 0.013, 0.006, 1.0),
    (0.034, 0.7, 0.018, 0.004, 0.7),
    (0.0085, 0.6355, 0.006, 0.004, 0.5),
    (0.0, 0.6105, 0.022, 0.006, 0.8),
)
_SIDE, _TOP, _BOTTOM = 0.055, 0.7155, 0.5955  # metres: what of the template's face is looked for
_MIDDLE = np.array([0, (_TOP + _BOTTOM) / 2], np.float32)
_MARGIN = 0.03  # metres by which it may be off
_SCALES = (0.8, 0.9, 1.0, 1.1, 1.2)  # across and up, at which it is looked for
_LIKENESS = 0.3  # correlation from which it is found
_TEXEL = 0.0015  # metres, of the picture in which it is looked for
_DETAIL = 0.02  # metres: shades that change more slowly are light
_BELIEVED = 0.02  # of where a point is seen: below it the point counts as not seen

Sighted = Callable[[Floats], tuple[Floats, Floats]]  # points to pixels and beliefs, as `PlaceMap.sighted`


@dataclass(frozen=True)
class Misplaced:
    """How a photo's face lies on the template: what belongs to the middle plus d is at the middle plus offset plus d
    times scale. offset: (2,) metres and scale: (2,), to the left and up."""

    offset: Floats
    scale: Floats

    def corrected(self, places: Floats) -> Floats:
        """Places, (..., 3), with those of the face where they belong."""
        share = face_share(places)[..., None]
        flat = _MIDDLE + (places[..., :2] - _MIDDLE - self.offset) / self.scale
        moved = places.copy()
        moved[..., :2] = (1 - share) * places[..., :2] + share * flat
        return moved


def face_share(places: Floats) -> Floats:
    """(...): how far skin at these places, (..., 3), is of the face, 0..1."""
    up = (places[..., 1] - _THROAT) / (_CHIN - _THROAT)
    forward = (places[..., 2] - _EARS) / (_CHEEKS - _EARS)
    share: Floats = (up.clip(0, 1) * forward.clip(0, 1)).astype(np.float32)
    return share


def regular(places: Floats, trust: Floats) -> Floats:
    """Places, (S, S, 3), with those of the face on a surface that is of second order in rows and columns. trust:
    (S, S), 0 of all that is no skin."""
    share = face_share(places)
    where = np.nonzero(share * trust > 0)
    if len(where[0]) < _LEAST_PIXELS:
        return places
    rows, columns = ((axis - axis.mean()) / max(float(np.ptp(axis)), 1) for axis in where)
    terms = _second_order(rows, columns)
    fitted, believed = places.copy(), share[where][:, None]
    surface = terms @ _fitted(terms, places[where], (share * trust)[where])
    fitted[where] = (1 - believed) * places[where] + believed * surface
    return fitted


def face_in(shades: Floats, places: Floats, trust: Floats, sighted: Sighted) -> Misplaced | None:
    """How the face lies that a photo shows; none if none is found.

    shades: (s, s), how bright the photo is. places, trust: (S, S, 3) and (S, S), trust 0 of all that is no skin.
    sighted: where in those rows and columns the skin's points are.
    """
    where = np.nonzero(face_share(places) * trust > 0)
    if len(where[0]) < _LEAST_PIXELS:
        return None
    across, up = _grid()
    shown = places[where]
    depths = _second_order(across, up) @ _fitted(_second_order(*shown[:, :2].T), shown[:, 2], trust[where])
    points = np.stack([across, up, depths], -1).reshape(-1, 3).astype(np.float32)
    pixels, beliefs = sighted(points)
    at = ((pixels + 0.5) * (len(shades) / len(places)) - 0.5).reshape(*across.shape, 2).astype(np.float32)
    picture = cv2.remap(shades, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    return misplaced(picture.astype(np.float32), (beliefs > _BELIEVED).reshape(across.shape).astype(np.float32))


def misplaced(shades: Floats, seen: Floats) -> Misplaced | None:
    """How a face lies in a picture of what is shown where the template has its own; none if no face is found.

    shades, seen: (h, w), how bright each point is, and whether that is known; rows go down from `_TOP` and a margin.
    """
    across, up = _grid()
    picture = _darkness(shades, seen)
    best, found = _LIKENESS, None
    for scale, pattern in _patterns():
        likeness = cv2.matchTemplate(picture, pattern, cv2.TM_CCOEFF_NORMED)
        row, column = np.unravel_index(likeness.argmax(), likeness.shape)
        if likeness[row, column] > best:
            best = float(likeness[row, column])
            right, down = ((length - 1) / 2 * _TEXEL for length in pattern.shape[::-1])
            centre = np.array([across[0, column] + right, up[row, 0] - down], np.float32)
            found = Misplaced(centre - _MIDDLE, scale)
    return found


def _grid() -> tuple[Floats, Floats]:
    """x and y, (h, w) each, of all that is searched for a face, rows downwards."""
    return _meshed(_SIDE + _MARGIN, (_TOP - _BOTTOM) / 2 + _MARGIN)


def _meshed(half_width: float, half_height: float) -> tuple[Floats, Floats]:
    """x and y, (h, w) each, of so much around the middle, rows downwards."""
    x = np.arange(-half_width, half_width, _TEXEL).astype(np.float32)
    y = np.arange(half_height, -half_height, -_TEXEL).astype(np.float32)
    across, up = np.meshgrid(x, y + _MIDDLE[1])
    return across, up


def _darkness(shades: Floats, seen: Floats) -> Floats:
    """How much darker each point is than what is around it."""
    width = _DETAIL / _TEXEL
    around = cv2.GaussianBlur(shades * seen, (0, 0), width) / (cv2.GaussianBlur(seen, (0, 0), width) + 1e-3)
    contrast = cv2.GaussianBlur(np.log((around + 0.02) / (shades + 0.02)), (0, 0), 1)
    darkness: Floats = (contrast.clip(-0.5, 0.5) * seen).astype(np.float32)
    return darkness


def _patterns() -> Iterator[tuple[Floats, Floats]]:
    """Of each scale, (2,), how dark the template's face is, (h, w)."""
    height = (_TOP - _BOTTOM) / 2
    for wider, higher in product(_SCALES, _SCALES):
        across, up = _meshed(_SIDE * wider, height * higher)
        x, y = np.abs(across) / wider, (up - _MIDDLE[1]) / higher + _MIDDLE[1]
        spots = [
            dark * np.exp(-(((x - side) / half_width) ** 2) - ((y - height_there) / half_height) ** 2)
            for side, height_there, half_width, half_height, dark in _FEATURES
        ]
        yield np.array([wider, higher], np.float32), np.max(spots, axis=0).astype(np.float32)


def _second_order(a: Floats, b: Floats) -> Floats:
    """(..., 6): the terms of a polynomial."""
    return np.stack([np.ones_like(a), a, b, a * a, a * b, b * b], -1)


def _fitted(terms: Floats, values: Floats, weights: Floats) -> Floats:
    """The factors, (6, ...), with which terms, (K, 6), come nearest to values, (K, ...)."""
    root = np.sqrt(weights)[:, None]
    factors = np.linalg.lstsq(terms * root, values.reshape(len(values), -1) * root, rcond=None)[0]
    return factors.astype(np.float32).reshape(-1, *values.shape[1:])
