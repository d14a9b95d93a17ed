"""Figures printed on cloth, as implicit functions: positive inside, and nearly a distance near the edge.

Each takes points (N,), (N,) with y up, in units of the figure's radius, and gives (N,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model.clothes.arrays import Values

Motif = Callable[[Values, Values], Values]


def _disc(x: Values, y: Values) -> Values:
    return 1 - np.hypot(x, y)


def _ring(x: Values, y: Values) -> Values:
    return 0.25 - np.abs(np.hypot(x, y) - 0.75)


def _heart(x: Values, y: Values) -> Values:
    return 0.80 - np.hypot(x, y - 0.75 * np.sqrt(np.abs(x)) + 0.25)


def _diamond(x: Values, y: Values) -> Values:
    return (1 - np.abs(x) * 1.3 - np.abs(y)) * 0.65


def _triangle(x: Values, y: Values) -> Values:
    return np.minimum(y + 0.6, 0.5 - 0.5 * y - 0.87 * np.abs(x))


def _cross(x: Values, y: Values) -> Values:
    x, y = np.abs(x), np.abs(y)
    return np.minimum(0.3 - np.minimum(x, y), 0.9 - np.maximum(x, y))


def _star(x: Values, y: Values) -> Values:
    """Five straight-edged points: along an edge the inverse radius is nearly linear in the angle."""
    turn = np.arctan2(x, y) * (5 / (2 * np.pi))
    from_point = 2 * np.abs(turn - np.round(turn))
    return np.asarray((1 / (1 + from_point * 1.4) - np.hypot(x, y)) * 0.7)


def _flower(x: Values, y: Values) -> Values:
    """Five petals around an open middle."""
    r = np.hypot(x, y)
    return np.asarray(np.minimum(0.75 + 0.25 * np.cos(5 * np.arctan2(x, y)) - r, r - 0.22))


def _bars(*boxes: tuple[float, float, float, float]) -> Motif:
    """Boxes joined. boxes: left, bottom, right, top."""

    def inside(x: Values, y: Values) -> Values:
        each = (np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y)) for x0, y0, x1, y1 in boxes)
        return np.asarray(np.maximum.reduce(list(each)))

    return inside


MOTIFS: dict[str, Motif] = {
    "disc": _disc,
    "ring": _ring,
    "heart": _heart,
    "diamond": _diamond,
    "triangle": _triangle,
    "cross": _cross,
    "star": _star,
    "flower": _flower,
    "letter_e": _bars((-0.6, -0.9, -0.2, 0.9), (-0.6, 0.5, 0.6, 0.9), (-0.6, -0.2, 0.4, 0.2), (-0.6, -0.9, 0.6, -0.5)),
    "letter_h": _bars((-0.7, -0.9, -0.3, 0.9), (0.3, -0.9, 0.7, 0.9), (-0.7, -0.2, 0.7, 0.2)),
    "letter_t": _bars((-0.7, 0.5, 0.7, 0.9), (-0.2, -0.9, 0.2, 0.9)),
}
