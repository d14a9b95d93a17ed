"""Colours as three channels of 0..255."""

from __future__ import annotations

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)


def rgb(text: str) -> Colour:
    """`"#e8b89a"` as a colour."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def shaded(colour: Colour, factor: float) -> Colour:
    """`colour` in `factor` times the light, 0..1."""
    r, g, b = (round(channel * factor) for channel in colour)
    return r, g, b


def mix(colour: Colour, other: Colour, weight: float) -> Colour:
    """From `colour` (weight 0) to `other` (weight 1)."""
    r, g, b = (round(a + (z - a) * weight) for a, z in zip(colour, other, strict=True))
    return r, g, b
