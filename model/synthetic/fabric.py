"""Fabrics: what colour a garment has at each of its points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from model.synthetic.canvas import Array, Weave
from model.synthetic.colour import WHITE, Colour
from model.synthetic.shape import Point

Pattern = Literal["plain", "stripes", "dots", "checks", "gradient", "sunset", "blossoms"]


@dataclass(frozen=True)
class Fabric:
    """A pattern in up to two colours.

    Args:
        repeat: units from one stripe, dot, check or flower to the next; the radius of a sunset; the length of
            a gradient.
    """

    pattern: Pattern
    colour: Colour
    accent: Colour = WHITE
    repeat: float = 30.0

    def for_sleeves(self) -> Fabric:
        """A picture is printed on the front only."""
        return replace(self, pattern="plain") if self.pattern == "sunset" else self

    def weave(self, origin: Point, degrees: float = 0.0, scale: float = 1.0) -> Weave:
        """The fabric laid on a sheet with its own origin at `origin`, turned and scaled."""
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

        def colours(x: Array, y: Array, pixel: float) -> Array:
            dx, dy = (x - origin[0]) / scale, (y - origin[1]) / scale
            weight = _ACCENT[self.pattern](c * dx + s * dy, c * dy - s * dx, self.repeat, pixel / scale)
            return _mixed(self.colour, self.accent, weight)

        return colours


def _mixed(colour: Colour, accent: Colour, weight: Array) -> Array:
    a, b = np.asarray(colour, dtype=np.float32), np.asarray(accent, dtype=np.float32)
    mixed: Array = (a + (b - a) * np.clip(weight, 0, 1)[..., None]).astype(np.float32)
    return mixed


def _edge(distance: Array, pixel: float) -> Array:
    """0 outside, 1 inside, and one pixel of slope: `distance` is positive inside."""
    return np.asarray(np.clip(distance / pixel + 0.5, 0, 1))


def _saw(x: Array, repeat: float) -> Array:
    """Signed distance to the nearest multiple of `repeat`."""
    return (x + repeat / 2) % repeat - repeat / 2


def _plain(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    return np.zeros_like(x)


def _stripes(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    return _edge(0.19 * repeat - abs(_saw(y, repeat)), pixel)


def _dots(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    row = np.floor(y / (0.5 * repeat) + 0.5)
    dx = _saw(x + 0.5 * repeat * (row % 2), repeat)
    return _edge(0.17 * repeat - np.hypot(dx, _saw(y, 0.5 * repeat)), pixel)


def _checks(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    across, down = (_edge(0.25 * repeat - abs(_saw(v, repeat)), pixel) for v in (x, y))
    return 0.5 * (across + down)


def _gradient(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    t = np.clip(y / repeat + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _sunset(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    """A sun, cut by bars that widen towards the ground."""
    disc = _edge(repeat - np.hypot(x, y), pixel)
    bar = 0.035 * repeat + 0.09 * np.maximum(y, 0)
    cut = _edge(bar - abs(_saw(y, 0.24 * repeat)), pixel) * (y > 0.12 * repeat)
    return disc * (1 - cut)


def _blossoms(x: Array, y: Array, repeat: float, pixel: float) -> Array:
    """Five-petalled flowers with an open heart, in staggered rows."""
    row = np.floor(y / (0.6 * repeat) + 0.5)
    dx, dy = _saw(x + 0.5 * repeat * (row % 2), repeat), _saw(y, 0.6 * repeat)
    r, angle = np.hypot(dx, dy), np.arctan2(dy, dx) + 0.7 * row
    petals = repeat * (0.17 + 0.07 * np.cos(5 * angle))
    return _edge(petals - r, pixel) * _edge(r - 0.055 * repeat, pixel)


_ACCENT: dict[Pattern, Callable[[Array, Array, float, float], Array]] = {
    "plain": _plain,
    "stripes": _stripes,
    "dots": _dots,
    "checks": _checks,
    "gradient": _gradient,
    "sunset": _sunset,
    "blossoms": _blossoms,
}
