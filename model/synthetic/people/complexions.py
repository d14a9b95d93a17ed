"""Colours of skin, lips, hair and eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.synthetic.fabrics.brush import mixed
from model.synthetic.fabrics.cloth_colours import Colour

_LIP_RED = (0.62, 0.16, 0.18)  # that lips lie towards, from the skin


@dataclass(frozen=True)
class Complexion:
    """Somebody's colours, sRGB 0..1, and how strong what varies is, 0..1.

    stubble: a shade on the jaw. make_up: redder lips, darker lashes. freckled: mottled cheeks.
    """

    skin: Colour
    lips: Colour
    hair: Colour
    brows: Colour
    iris: Colour
    stubble: float = 0.0
    make_up: float = 0.0
    freckled: float = 0.0


# From light to dark.
_TONES: tuple[Colour, ...] = (
    (0.97, 0.83, 0.75),
    (0.94, 0.77, 0.66),
    (0.88, 0.69, 0.55),
    (0.79, 0.58, 0.43),
    (0.66, 0.46, 0.33),
    (0.50, 0.33, 0.23),
    (0.36, 0.23, 0.17),
)
# Of hair and eyes, from which one is drawn at random.
_DARK_HAIR: tuple[Colour, ...] = ((0.08, 0.06, 0.06), (0.16, 0.11, 0.09), (0.26, 0.16, 0.11))
_LIGHT_HAIR: tuple[Colour, ...] = ((0.40, 0.26, 0.16), (0.62, 0.45, 0.27), (0.82, 0.68, 0.44), (0.52, 0.24, 0.12))
_GREY_HAIR: Colour = (0.66, 0.65, 0.64)
_DARK_EYES: tuple[Colour, ...] = ((0.20, 0.12, 0.07), (0.30, 0.18, 0.10))
_LIGHT_EYES: tuple[Colour, ...] = ((0.30, 0.44, 0.55), (0.35, 0.42, 0.26), (0.42, 0.30, 0.16))


def random_complexion(rng: np.random.Generator) -> Complexion:
    """Any human tone; light eyes and hair go with lighter skin only."""
    tone = rng.uniform(0, len(_TONES) - 1)
    low = min(int(tone), len(_TONES) - 2)
    warmth = rng.normal(0, 0.015)
    r, g, b = mixed(_TONES[low], _TONES[low + 1], tone - low)
    skin = (min(r + warmth, 1.0), g, b - warmth)
    light = tone < 3 and rng.uniform() < 0.6
    hairs = _LIGHT_HAIR if light else _DARK_HAIR
    hair = _GREY_HAIR if rng.uniform() < 0.06 else hairs[rng.integers(len(hairs))]
    eyes = _LIGHT_EYES if light else _DARK_EYES
    make_up = max(0.0, rng.uniform(-1, 1))
    lips = mixed(mixed(skin, _LIP_RED, 0.38), (rng.uniform(0.65, 0.8), 0.10, rng.uniform(0.15, 0.3)), 0.45 * make_up)
    return Complexion(
        skin,
        lips,
        hair,
        mixed(hair, (0.1, 0.07, 0.06), 0.45),
        eyes[rng.integers(len(eyes))],
        stubble=max(0.0, rng.uniform(-0.8, 0.8)) if make_up == 0 else 0.0,
        make_up=make_up,
        freckled=max(0.0, rng.uniform(-2, 1)) if tone < 2.5 else 0.0,
    )
