"""Fabrics: what colour cloth has at each of its points, in pictures of any size without moiré.

Patterns are averaged over a pixel as they are evaluated: stripes and checks exactly, figures by an edge one pixel wide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from model.clothes.arrays import Values
from model.synthetic.fabrics.brush import covered, edge, over
from model.synthetic.fabrics.cloth_colours import Colour, contrasting, random_colour
from model.synthetic.fabrics.motifs import MOTIFS
from model.synthetic.fabrics.periodic import faded, pulses, staggered

Pattern = Literal["plain", "stripes", "gingham", "tartan", "dots", "scatter", "motif", "band", "gradient"]

_SMALLEST_PIXEL = 1e-4  # metres


@dataclass(frozen=True)
class Fabric:
    """A pattern and its colours.

    colours: sRGB, 0..1, the ground's first; a pattern uses up to three.
    scale: metres from one stripe, check or figure to the next; the radius of a motif; the width of a band; the length
        of a gradient.
    angle: radians by which the pattern is turned; 0 has stripes lie, pi / 2 stand.
    share: how much of a period a stripe is wide, or a dot or figure across.
    motif: the figure, of `MOTIFS`.
    origin: u, v of the pattern's middle.
    """

    kind: Pattern
    colours: tuple[Colour, Colour, Colour]
    scale: float = 0.1
    angle: float = 0.0
    share: float = 0.5
    motif: str = "disc"
    origin: tuple[float, float] = (0.0, 0.0)

    def colours_at(self, u: Values, v: Values, pixel: float | Values) -> Values:
        """sRGB 0..1, (N, 3) float32, of points on the cloth.

        Args:
            u, v: (N,) metres, to the person's left and up.
            pixel: how many metres of cloth a pixel is wide, or (N, 2), how many along u and along v.
        """
        ground, *inks = self.colours
        if self.kind == "plain":
            return covered(ground, len(u))
        x, y = u - np.float32(self.origin[0]), v - np.float32(self.origin[1])
        wide, high = np.broadcast_to(np.asarray(pixel, np.float32), (len(u), 2)).T
        if self.angle:
            c, s = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
            x, y = c * x + s * y, c * y - s * x
            wide, high = np.hypot(c * wide, s * high), np.hypot(s * wide, c * high)
        wide, high = np.maximum(wide, _SMALLEST_PIXEL), np.maximum(high, _SMALLEST_PIXEL)
        colours = np.asarray(ground, np.float32)
        for ink, cover in zip(inks, _COVERS[self.kind](self, x, y, wide, high), strict=False):
            colours = over(colours, ink, cover)
        return colours


def random_fabric(rng: np.random.Generator) -> Fabric:
    """A fabric whose pattern can be seen in a picture 96 pixels wide of a whole person."""
    kind: Pattern = rng.choice(list(_FREQUENCIES), p=list(_FREQUENCIES.values()))
    ground = random_colour(rng)
    ink = contrasting(rng, ground)
    colours = (ground, ink, contrasting(rng, ink))
    low, high = _SCALES[kind]
    scale = low * (high / low) ** rng.uniform()
    angle = rng.choice([0, np.pi / 2, np.pi / 4, -np.pi / 4], p=[0.45, 0.25, 0.15, 0.15]) if kind == "stripes" else 0.0
    if kind in ("gingham", "tartan") and rng.uniform() < 0.25:
        angle = np.pi / 4
    motif = rng.choice(list(MOTIFS))
    middle = (0.0, rng.uniform(0.22, 0.32)) if kind in ("motif", "band") else (rng.uniform(-0.1, 0.1), 0.15)
    return Fabric(kind, colours, scale, float(angle), rng.uniform(0.4, 0.6), str(motif), middle)


_FREQUENCIES: dict[Pattern, float] = {  # made up: plain cloth and stripes are usual, the rest frequent enough
    "plain": 0.22,
    "stripes": 0.22,
    "gingham": 0.08,
    "tartan": 0.08,
    "dots": 0.09,
    "scatter": 0.10,
    "motif": 0.11,
    "band": 0.04,
    "gradient": 0.06,
}
_SCALES: dict[Pattern, tuple[float, float]] = {  # metres from one figure to the next, or of a figure that is alone
    "plain": (0.1, 0.1),
    "stripes": (0.05, 0.16),
    "gingham": (0.05, 0.12),
    "tartan": (0.10, 0.18),
    "dots": (0.05, 0.12),
    "scatter": (0.08, 0.15),
    "motif": (0.09, 0.14),
    "band": (0.06, 0.16),
    "gradient": (0.35, 0.8),
}


def _stripes(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    return (pulses(y / fabric.scale, fabric.share, high / fabric.scale),)


def _gingham(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    across = pulses(x / fabric.scale, 0.5, wide / fabric.scale)
    return (0.5 * (across + pulses(y / fabric.scale, 0.5, high / fabric.scale)),)


def _tartan(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    """Broad bands both ways, and a thin line of the third colour between them."""
    x, y, wide, high = (values / fabric.scale for values in (x, y, wide, high))
    broad = 0.45 * (pulses(x, fabric.share, wide) + pulses(y, fabric.share, high))
    standing, lying = pulses(x + 0.5, 0.1, wide), pulses(y + 0.5, 0.1, high)
    return broad, 0.8 * (standing + lying - standing * lying)


def _dots(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    dx, dy, _ = staggered(x / fabric.scale, y / fabric.scale)
    radius, pixel = 0.5 * fabric.share, np.sqrt(wide * high) / fabric.scale
    return (faded(edge(radius - np.hypot(dx, dy), pixel), np.pi * radius**2 / 0.866, pixel),)


def _scatter(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    """Figures in staggered rows, every row turned otherwise."""
    dx, dy, row = staggered(x / fabric.scale, y / fabric.scale)
    c, s = np.cos(2.4 * row), np.sin(2.4 * row)
    radius, pixel = 0.65 * fabric.share, np.sqrt(wide * high) / fabric.scale
    inside = radius * MOTIFS[fabric.motif]((c * dx + s * dy) / radius, (c * dy - s * dx) / radius)
    return (faded(edge(inside, pixel), _area(fabric.motif) * radius**2 / 0.866, pixel),)


def _motif(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    """One figure, within it a smaller one of the third colour."""
    pixel = np.sqrt(wide * high) / fabric.scale
    inside = MOTIFS[fabric.motif](x / fabric.scale, y / fabric.scale)
    return edge(inside, pixel), edge(inside - 0.22, pixel) * (fabric.share > 0.5)


def _band(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    """A single band around the body, edged with the third colour."""
    inside = fabric.scale / 2 - np.abs(y)
    edged = (edge(inside, high) - edge(inside - 0.15 * fabric.scale, high)) * (fabric.share > 0.5)
    return edge(inside, high), edged


def _gradient(fabric: Fabric, x: Values, y: Values, wide: Values, high: Values) -> tuple[Values, ...]:
    return (np.clip(y / fabric.scale + 0.5, 0, 1),)


_COVERS: dict[Pattern, Callable[[Fabric, Values, Values, Values, Values], tuple[Values, ...]]] = {
    "stripes": _stripes,
    "gingham": _gingham,
    "tartan": _tartan,
    "dots": _dots,
    "scatter": _scatter,
    "motif": _motif,
    "band": _band,
    "gradient": _gradient,
}


@cache
def _area(motif: str) -> float:
    """Of the figure with radius 1."""
    line = np.linspace(-1, 1, 101, dtype=np.float32)
    x, y = np.meshgrid(line, line)
    return float(4 * (MOTIFS[motif](x, y) > 0).mean())
