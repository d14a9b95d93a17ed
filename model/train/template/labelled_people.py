"""Photos of made-up people with what every pixel shows: layer, place on the template, and how light changed it.

Geometry is rendered once and painted often: colours, fabrics and light are others each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Values
from model.clothes.buffers import Buffers
from model.synthetic.datasets.a_pose_views import EVEN_LIGHT
from model.synthetic.datasets.loose_photos import moment, somebody
from model.synthetic.datasets.records import repainted
from model.synthetic.scene.composition import levels, paint_person
from model.synthetic.scene.light import Light
from model.synthetic.scene.person import Person
from model.synthetic.scene.photos import Scene

Levels = NDArray[np.uint8]

PHOTOS, PAINTINGS = 5, 2  # of a person; of a photo
_KINDS_OF_PHOTO = 16  # moments of somebody that photos are drawn from, see `loose_photos.moment`
_SHARE = 0.925  # of the square that the person's longer side fills, as the avatar's photos are framed
_HEIGHT = 1.25  # of the picture taken, in sizes of the square cut out of it


@dataclass(frozen=True)
class LabelledPerson:
    """One person in P photos, each painted K times, framed to S x S pixels.

    colours: (K, P, S, S, 4) uint8, sRGB times alpha, and alpha.
    even: (K, P, S/2, S/2, 3) uint8, the same evenly lit.
    layers: (P, S, S) uint8, of `BodyLayer`.
    places: (P, S/2, S/2, 3) float16 metres; coarse_layers: (P, S/2, S/2) uint8, the layer that the place is of.
    azimuths: (P,) float32 radians.
    betas: (10,) float32.
    """

    colours: Levels
    even: Levels
    layers: Levels
    places: NDArray[np.float16]
    coarse_layers: Levels
    azimuths: NDArray[np.float32]
    betas: NDArray[np.float32]


def labelled_person(seed: int, size: int, photos: int = PHOTOS, paintings: int = PAINTINGS) -> LabelledPerson:
    """Somebody in photos from all sides. size: a multiple of 4."""
    person, rng = somebody(seed), np.random.default_rng([seed, 2])
    looks = [person, *(repainted(rng, person) for _ in range(paintings - 1))]
    numbers = sorted(rng.choice(_KINDS_OF_PHOTO, photos, replace=False))
    taken = [_photo(moment(seed, int(number)), looks, size) for number in numbers]
    colours, even, layers, places, coarse = (np.stack(part) for part in zip(*taken, strict=True))
    azimuths = [np.radians(moment(seed, int(number)).shot.azimuth) for number in numbers]
    return LabelledPerson(
        colours.swapaxes(0, 1),
        even.swapaxes(0, 1),
        layers,
        places,
        coarse,
        np.array(azimuths, np.float32),
        person.betas,
    )


def _photo(person: Person, looks: Sequence[Person], size: int) -> tuple[Levels, Levels, Levels, Values, Levels]:
    height = round(size * _HEIGHT)
    buffers = Scene(person, height * 3 // 4, height).buffers
    frame = SquareCrop.around(buffers.layers, size)
    lights = [person.light, *(look.light for look in looks[1:])]
    colours = [_painted(buffers, look, light, frame) for look, light in zip(looks, lights, strict=True)]
    even = [_halved(_painted(buffers, look, EVEN_LIGHT, frame)[..., :3]) for look in looks]
    coarse = replace(frame, size=size // 2)
    places = coarse.nearest(buffers.places).astype(np.float16)
    layers = frame.nearest(buffers.layers)
    return np.stack(colours), np.stack(even), layers, places, coarse.nearest(buffers.layers)


def _painted(buffers: Buffers, person: Person, light: Light, frame: SquareCrop) -> Levels:
    painted = paint_person(buffers, person.look, person.garments.values(), light)
    return levels(frame.smoothly(painted))


def _halved(picture: Levels) -> Levels:
    size = picture.shape[1] // 2, picture.shape[0] // 2
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class SquareCrop:
    """A square cut out of buffers. x, y: its middle, in their pixels. width: how many of them it is wide. size: its own
    pixels."""

    x: float
    y: float
    width: float
    size: int

    @classmethod
    def around(cls, layers: Levels, size: int) -> SquareCrop:
        """The square around whoever is there."""
        rows, columns = np.flatnonzero(layers.any(1)), np.flatnonzero(layers.any(0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        return cls((left + right) / 2, (top + bottom) / 2, max(bottom - top, right - left) / _SHARE, size)

    def nearest(self, plane: Values) -> Values:
        """(size, size, ...) of the plane, (H, W, ...); zero beyond its borders."""
        along = ((np.arange(self.size) + 0.5) / self.size - 0.5) * self.width
        rows, columns = np.floor(self.y + along).astype(int), np.floor(self.x + along).astype(int)
        height, width = plane.shape[:2]
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        cut: Values = plane[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)]
        cut[~inside] = 0
        return cut

    def smoothly(self, painted: Values) -> Values:
        """(size, size, C) of what was painted from the buffers at half their size."""
        scale = 2 * self.size / self.width  # pixels of the square to one of the painting
        shift = [self.size / 2 - 0.5 - scale * (middle / 2 - 0.5) for middle in (self.x, self.y)]
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
        return np.asarray(cv2.warpAffine(painted, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR))
