"""What a three-dimensional person wears, and where on the body it lies.

Places are told in the coordinates of the body's template, in T pose (metres, Y up, facing +Z, pelvis at the origin):
whatever the person's shape and pose, a hem is where it was cut. Each layer has a depth: how far inside its outline a
point lies, negative outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[float, float, float]  # sRGB, 0..1

_WAIST, _NAPE = -0.01, 0.56
_LENGTHS = {"sleeve": (0.33, 0.63), "leg": (-0.42, -0.82)}  # short, long: where they end, along X and Y
_SHOE = -0.79


@dataclass(frozen=True)
class Outfit:
    """Colours, and which cuts."""

    skin: Colour
    hair: Colour
    top: Colour
    stripes: Colour | None
    trousers: Colour
    shoes: Colour
    iris: Colour
    long_sleeves: bool
    long_legs: bool
    long_hair: bool


@dataclass(frozen=True)
class Layer:
    """One thing worn. depth: (V,) metres. thickness: (V,) metres off the skin. smoothness: how far it hangs free of
    the skin's relief, in rounds of smoothing. colours: (V, 3)."""

    depth: Array
    thickness: Array
    smoothness: int
    colours: Array


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Colours that go together: light or dark top, calmer trousers."""
    skin = _between((0.96, 0.80, 0.69), (0.36, 0.22, 0.15), rng.uniform())
    hair = _HAIR[rng.integers(len(_HAIR))]
    top = _TOPS[rng.integers(len(_TOPS))]
    stripes = _STRIPES[rng.integers(len(_STRIPES))] if rng.uniform() < 0.5 else None
    trousers = _TROUSERS[rng.integers(len(_TROUSERS))]
    shoes = _SHOES[rng.integers(len(_SHOES))]
    iris = _IRISES[rng.integers(len(_IRISES))]
    long_sleeves, long_legs, long_hair = rng.uniform(size=3) < (0.35, 0.75, 0.5)
    return Outfit(skin, hair, top, stripes, trousers, shoes, iris, bool(long_sleeves), bool(long_legs), bool(long_hair))


_HAIR: tuple[Colour, ...] = ((0.13, 0.09, 0.08), (0.35, 0.21, 0.13), (0.66, 0.48, 0.28), (0.55, 0.24, 0.12))
_TOPS: tuple[Colour, ...] = ((0.78, 0.26, 0.22), (0.93, 0.90, 0.84), (0.20, 0.42, 0.40), (0.90, 0.68, 0.28))
_STRIPES: tuple[Colour, ...] = ((0.16, 0.22, 0.36), (0.97, 0.95, 0.90))
_TROUSERS: tuple[Colour, ...] = ((0.22, 0.31, 0.46), (0.24, 0.25, 0.28), (0.62, 0.52, 0.40))
_SHOES: tuple[Colour, ...] = ((0.95, 0.95, 0.94), (0.18, 0.16, 0.17), (0.70, 0.25, 0.20))
_IRISES: tuple[Colour, ...] = ((0.28, 0.17, 0.10), (0.30, 0.42, 0.48), (0.35, 0.40, 0.24))


def layers(outfit: Outfit, places: Array) -> list[Layer]:
    """Everything worn, the innermost first. places: (V, 3) on the template."""
    return [_shoes(outfit, places), _trousers(outfit, places), _top(outfit, places), _hair(outfit, places)]


def painted_skin(outfit: Outfit, places: Array, eyeballs: NDArray[np.bool_]) -> Array:
    """(V, 3): skin with lips, eyebrows and eyes. eyeballs: (V,), which places lie on them."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    colours = np.tile(outfit.skin, (len(places), 1))
    in_front = z > 0.09
    lips = (1 - np.hypot(x / 0.026, (y - 0.611) / 0.011)) * in_front
    colours = _over(colours, _between(outfit.skin, (0.62, 0.16, 0.18), 0.55), lips / 0.3)
    arch = 0.700 - 6.0 * (x - 0.034) ** 2
    brows = np.minimum(0.0038 - np.abs(y - arch), 0.019 - np.abs(x - 0.033)) / 0.002
    colours = _over(colours, _between(outfit.hair, (0.1, 0.07, 0.06), 0.3), brows * in_front)
    from_gaze = np.hypot(x - 0.0305, y - 0.681)
    eyes = _over(np.tile((0.95, 0.95, 0.94), (len(places), 1)), outfit.iris, (0.0062 - from_gaze) / 0.001)
    eyes = _over(eyes, (0.02, 0.02, 0.02), (0.0028 - from_gaze) / 0.001)
    return np.where(eyeballs[:, None], eyes, colours)


def _top(outfit: Outfit, places: Array) -> Layer:
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    cuff = _LENGTHS["sleeve"][outfit.long_sleeves]
    neck = 0.485 + 0.5 * np.maximum(x - 0.03, 0) - 0.35 * np.maximum(z, 0)  # lower in front
    depth = np.minimum.reduce([y + 0.06, cuff - x, np.where(x < 0.16, neck - y, 1.0)])
    hanging = np.clip((0.30 - y) / 0.35, 0, 1)
    folds = 0.004 * hanging * np.sin(11 * np.arctan2(places[:, 0], z) + 9 * y)
    sleeves = 0.012 * np.clip((x - 0.18) / 0.15, 0, 1) * (not outfit.long_sleeves)
    level = y + 0.22 * x * np.clip((y - 0.1) / 0.2, 0, 1)  # arms down again, the chest's sides rise
    along = np.where(x > 0.2, x + 0.25, level)  # up the trunk, along the arms
    band = 0.25 - np.abs(along / 0.08 % 1 - 0.5)  # in stripes
    colours = np.tile(outfit.top, (len(places), 1))
    if outfit.stripes is not None:
        colours = _over(colours, outfit.stripes, 0.5 + band * 0.08 / 0.008)
    return Layer(depth, 0.012 + 0.014 * hanging + sleeves + folds, 2, colours)


def _trousers(outfit: Outfit, places: Array) -> Layer:
    x, y, z = places.T
    cuff = _LENGTHS["leg"][outfit.long_legs]
    depth = np.minimum(_WAIST - y, y - cuff)
    falling = np.clip((-0.2 - y) / 0.5, 0, 1)
    creases = 0.003 * np.exp(-(((y + 0.4) / 0.12) ** 2)) + 0.003 * np.exp(-(((y + 0.76) / 0.08) ** 2))
    folds = creases * np.sin(150 * y + 40 * np.abs(x) + 60 * z)
    seam = 1.0 - np.abs(z - 0.01) / 0.004
    colours = np.tile(outfit.trousers, (len(places), 1))
    colours = _over(colours, _between(outfit.trousers, (0, 0, 0), 0.3), seam * (np.abs(x) > 0.14))
    return Layer(depth, 0.008 + 0.014 * falling + folds, 1, colours)


def _shoes(outfit: Outfit, places: Array) -> Layer:
    y = places[:, 1]
    sole = _between(outfit.shoes, (0.9, 0.9, 0.88), 0.7)
    colours = _over(np.tile(outfit.shoes, (len(places), 1)), sole, 0.5 + (-0.885 - y) / 0.004)
    return Layer(_SHOE - y, 0.010 + 0.004 * np.clip((places[:, 2] - 0.06) / 0.06, 0, 1), 2, colours)


def _hair(outfit: Outfit, places: Array) -> Layer:
    x, y, z = places.T
    hairline = 0.795 * (y - 0.748) - 0.607 * (z - 0.125) + 0.10 * np.abs(x)
    depth = np.minimum(hairline, y - _NAPE)
    if outfit.long_hair:  # also behind the ears and down the neck
        depth = np.maximum(depth, np.minimum.reduce([0.045 - z, y - 0.515, 0.095 - np.abs(x)]))
    strands = 0.0015 * np.sin(220 * x + 40 * z) * np.sin(60 * y)
    volume = 0.014 + 0.012 * np.clip((z * -1 + 0.05) / 0.08, 0, 1) + (0.010 if outfit.long_hair else 0.0)
    shade = 0.5 + 0.5 * np.sin(300 * x + 60 * z)
    colours = _over(np.tile(outfit.hair, (len(x), 1)), _between(outfit.hair, (1, 0.9, 0.8), 0.12), shade.clip(0, 1))
    return Layer(depth, volume + strands, 2, colours)


def _over(colours: Array, colour: Colour, cover: Array) -> Array:
    """`colour` laid over (V, 3) where `cover` (V,) is 1 and more, not at all where it is 0 and less."""
    share = np.clip(cover, 0, 1)[:, None]
    return colours * (1 - share) + np.array(colour) * share


def _between(start: Colour, end: Colour, share: float) -> Colour:
    r, g, b = ((1 - share) * a + share * z for a, z in zip(start, end, strict=True))
    return r, g, b
