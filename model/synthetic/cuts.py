"""Where a garment ends: signed distances on the template, in metres, positive where there is cloth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.synthetic.garments import NECK_TOP, Garment

Floats = NDArray[np.float32]

_NAPE = 0.025  # how deep every neckline is behind
_WAIST = 0.06  # of dresses: bodice above, skirt below
_TUCK = 0.04  # how far the skirt of a dress reaches up under its bodice


def bodice(garment: Garment, places: Floats) -> Floats:
    """Tops, and dresses down to the waist."""
    hem = _WAIST if garment.kind == "dress" else garment.hem
    x, y = np.abs(places[:, 0]), places[:, 1]
    sides = _armhole(garment.sleeve, x, y) if garment.sleeveless else garment.sleeve - x
    return np.minimum.reduce([y - hem, sides, _neckline(garment, places)])


def legs(garment: Garment, places: Floats) -> Floats:
    """Trousers."""
    return np.minimum(garment.waist - places[:, 1], places[:, 1] - garment.hem)


def skirt(garment: Garment, places: Floats) -> Floats:
    """Skirts, and dresses below the waist."""
    top = _WAIST + _TUCK if garment.kind == "dress" else garment.waist
    return np.minimum(top - places[:, 1], places[:, 1] - garment.hem)


def shoes(places: Floats, ankle: float) -> Floats:
    """Below the ankle, lower in front of it than behind."""
    return ankle - 0.12 * np.maximum(places[:, 2], 0) - places[:, 1]


def scalp(places: Floats) -> Floats:
    """Where hair grows: above a line from the forehead, behind the ears, to the nape."""
    x, y, z = places.T
    hairline = 0.795 * (y - 0.748) - 0.607 * (z - 0.125) + 0.10 * np.abs(x)
    return np.minimum(hairline, y - 0.56)


def _armhole(strap: float, x: Floats, y: Floats) -> Floats:
    """From the strap's edge on the shoulder to below the arm."""
    return (strap + 0.45 * np.maximum(0.5 - y, 0) - x) * 0.9


def _neckline(garment: Garment, places: Floats) -> Floats:
    """Round or pointed in front, flat behind; positive below it."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    front = np.clip((z + 0.01) / 0.06, 0, 1)
    depth = _NAPE + (garment.neck_depth - _NAPE) * front
    aside, down = x / garment.neck_width, (NECK_TOP - y) / np.where(y < NECK_TOP, depth, 0.5)
    pointed = aside + np.maximum(down, 0) if garment.v_neck else np.hypot(aside, down)
    return (np.where(y < NECK_TOP, pointed, aside) - 1) * garment.neck_width
