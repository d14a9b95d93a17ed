"""What makes one three-dimensional person look different from another, but for the body and the clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.synthetic.fabrics.cloth_colours import Colour, random_colour
from model.synthetic.people.complexions import Complexion, random_complexion


@dataclass(frozen=True)
class Look:
    """Colours of skin and hair, how the hair is worn, and the shoes' colour."""

    complexion: Complexion
    long_hair: bool
    shoes: Colour


_SHOES: tuple[Colour, ...] = ((0.95, 0.95, 0.94), (0.12, 0.11, 0.12), (0.45, 0.28, 0.17))  # white, black, brown


def random_look(rng: np.random.Generator) -> Look:
    """Anybody. Shoes are white, black or brown more often than not."""
    shoes = _SHOES[rng.integers(len(_SHOES))] if rng.uniform() < 0.7 else random_colour(rng)
    return Look(random_complexion(rng), bool(rng.uniform() < 0.5), shoes)
