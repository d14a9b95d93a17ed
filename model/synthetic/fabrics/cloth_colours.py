"""Colours of cloth: every kind that people wear, and pairs that can be told apart."""

from __future__ import annotations

import colorsys

import numpy as np

Colour = tuple[float, float, float]  # sRGB, 0..1

# Lowest and highest saturation and value, and how often.
_KINDS = {
    "saturated": ((0.60, 0.95), (0.55, 0.95), 0.36),
    "pastel": ((0.15, 0.40), (0.80, 0.97), 0.20),
    "dark": ((0.30, 0.80), (0.15, 0.38), 0.16),
    "white": ((0.00, 0.06), (0.90, 0.98), 0.12),
    "grey": ((0.00, 0.10), (0.35, 0.75), 0.08),
    "black": ((0.00, 0.20), (0.05, 0.14), 0.08),
}
_FREQUENCIES = [frequency for *_, frequency in _KINDS.values()]
_LUMA = (0.30, 0.59, 0.11)  # BT.601's weights of red, green and blue
_LEAST_CONTRAST = 0.28  # of luma: black on dark blue is no pattern in a small picture


def random_colour(rng: np.random.Generator) -> Colour:
    """Saturated, pastel, dark, white, grey or black."""
    saturation, value, _ = list(_KINDS.values())[rng.choice(len(_KINDS), p=_FREQUENCIES)]
    r, g, b = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*value))
    return r, g, b


def contrasting(rng: np.random.Generator, colour: Colour) -> Colour:
    """Another colour, clearly lighter or darker; white or black after ten that are not."""
    for _ in range(10):
        other = random_colour(rng)
        if abs(luma(other) - luma(colour)) > _LEAST_CONTRAST:
            return other
    return (0.95, 0.95, 0.95) if luma(colour) < 0.5 else (0.08, 0.08, 0.09)


def luma(colour: Colour) -> float:
    """How light a colour looks, 0..1."""
    return float(np.dot(colour, _LUMA))
