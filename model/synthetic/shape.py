"""Outlines: smooth closed curves as points, in sheet units (a sheet is 576 wide and 768 high)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]  # (N, 2), x to the right, y down
Point = tuple[float, float]

_STEPS = 14  # straight pieces between two control points


def curve(points: ArrayLike) -> Points:
    """A smooth open line through `points` (Catmull-Rom)."""
    p = np.asarray(points, dtype=np.float64)
    return _through(np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]]))


def blob(points: ArrayLike) -> Points:
    """A smooth closed outline through `points`."""
    p = np.asarray(points, dtype=np.float64)
    return _through(np.concatenate([p[-1:], p, p[:2]]))


def outline(*edges: ArrayLike) -> Points:
    """Smooth edges joined end to end, with a corner wherever two meet."""
    return np.concatenate([curve(edge) for edge in edges])


def ellipse(centre: Point, radii: Point, degrees: float = 0.0) -> Points:
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    round_ = np.stack([radii[0] * np.cos(turn), radii[1] * np.sin(turn)], axis=1)
    return moved(rotated(round_, degrees), centre)


def limb(joints: ArrayLike, half_widths: Sequence[float], *, flat_end: bool = False) -> Points:
    """A soft tube along the line through `joints`, as wide as told at even distances, with round ends.

    Args:
        flat_end: cut the far end like a hem instead.
    """
    line = curve(joints)
    at = np.linspace(0, len(half_widths) - 1, len(line))
    widths = np.interp(at, np.arange(len(half_widths)), half_widths)
    widths = _smoothed(widths)[:, None]
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    far = _cap(line[-1], across[-1] * widths[-1], along[-1] * widths[-1] * (0.15 if flat_end else 1))
    near = _cap(line[0], -across[0] * widths[0], -along[0] * widths[0])
    return np.concatenate([line + across * widths, far, (line - across * widths)[::-1], near])


def moved(points: ArrayLike, by: ArrayLike) -> Points:
    return np.asarray(points, dtype=np.float64) + np.asarray(by, dtype=np.float64)


def mirrored(points: ArrayLike) -> Points:
    """The other side of a shape whose middle is x = 0."""
    return facing(points, -1)


def facing(points: ArrayLike, side: int) -> Points:
    """A shape drawn for the right side, for `side` (-1 left, 1 right)."""
    x_and_y: Points = np.array([side, 1.0])
    return np.asarray(points, dtype=np.float64) * x_and_y


def rotated(points: ArrayLike, degrees: float) -> Points:
    """Turned clockwise about (0, 0)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn: Points = np.array([[c, s], [-s, c]])
    return np.asarray(points, dtype=np.float64) @ turn


def _through(p: Points) -> Points:
    t = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    pieces = [_catmull_rom(p[i], p[i + 1], p[i + 2], p[i + 3], t) for i in range(len(p) - 3)]
    return np.concatenate([*pieces, p[-2:-1]])


def _catmull_rom(a: Points, b: Points, c: Points, d: Points, t: Points) -> Points:
    point: Points = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return point


def _smoothed(widths: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = np.hanning(11) / np.hanning(11).sum()
    return np.convolve(np.pad(widths, 5, mode="edge"), kernel, mode="valid")


def _cap(end: Points, across: Points, outward: Points) -> Points:
    """Half a circle from `end + across` over `end + outward` to `end - across`."""
    turn = np.linspace(0, np.pi, 10)[1:-1, None]
    return end + across * np.cos(turn) + outward * np.sin(turn)
