"""T-shirts lying flat, in any fabric: rendered once a size, painted as often as a test likes."""

from __future__ import annotations

from functools import cache

import numpy as np

from model.measures.exact_pair import Levels
from model.synthetic.fabrics.fabrics import Fabric, Pattern
from model.synthetic.fabrics.garments import Garment
from model.synthetic.scene.photos import Flat

_CREAM = (0.96, 0.94, 0.91)


def flat(pattern: Pattern, colour: tuple[int, int, int], size: tuple[int, int] = (96, 128)) -> Levels:
    """(H, W, 3): a pattern of this colour, 0..255, and cream. size: width and height."""
    red, green, blue = (level / 255 for level in colour)
    garment = _tshirt(Fabric(pattern, ((red, green, blue), _CREAM, _CREAM), 0.1))
    return np.asarray(_table(size).photo(garment))


def _tshirt(fabric: Fabric) -> Garment:
    return Garment("tshirt", fabric, _CREAM, hem=-0.06)


@cache
def _table(size: tuple[int, int]) -> Flat:
    return Flat(_tshirt(Fabric("plain", (_CREAM, _CREAM, _CREAM))), *size)
