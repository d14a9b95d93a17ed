"""Where on its cloth a point of a garment lies: u to the person's left, v up, metres, from its place on the template.

In front u is x as seen from there, so that upright stripes are straight; towards the sides it follows the cloth around.
Seams lie where sewn clothes have them: at the armholes, and behind.
"""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values
from model.clothes.cut import GarmentKind

# All are read off the built-in body's template, metres. A radius is a girth over 2 pi: the cloth per radian around.
_GIRTH_RADIUS, _SKIRT_RADIUS = 0.145, 0.19  # the chest's girth; the hips', 0.158, and the cloth that hangs off them
_SHOULDERS_FROM = 0.42  # height above which chest and back lean in towards the shoulders' top
_ARM_RADIUS, _LEG_RADIUS = 0.05, 0.085  # of an upper arm and of a thigh, 0.045 and 0.083, in their cloth
_TRUNK_MIDDLE, _TRUNK_DEPTH = 0.02, 0.09  # along z; beyond this depth cloth counts as facing the front
_ARM_HEIGHT, _ARM_MIDDLE = 0.445, 0.011  # the arm's axis: y, z
_LEG_X, _LEG_MIDDLE, _LEG_DEPTH = 0.12, 0.025, 0.06  # a thigh's axis: x, z; the depth as for the trunk
_CROTCH = -0.05  # where trouser legs begin; in front they do so over 8 cm, the last of them at the crotch
SEAM, SEAM_SLOPE = 0.305, 0.3  # an armhole's seam is where |x| + slope * y is this: from shoulder to armpit
ARMPIT = 0.33  # the template's height where it is as wide as its shoulder joints: no arm is below
_SLEEVES = 1.0  # u of their middle, so far from the chest that a print there is not repeated on them


def cloth_coordinates(kind: GarmentKind, places: Values) -> tuple[Values, Values]:
    """(N,) and (N,) of places, (N, 3). Trousers have legs, all else is one tube below the arms."""
    v = places[:, 1].copy()
    if kind == "trousers":
        return _with_legs(places, _around_trunk(places, _GIRTH_RADIUS)), v
    u = _around_trunk(places, _SKIRT_RADIUS if kind in ("skirt", "dress") else _GIRTH_RADIUS)
    shoulder = np.flatnonzero(v > _SHOULDERS_FROM)
    if len(shoulder):
        v[shoulder] = _over_shoulders(places[shoulder])
    sleeve = np.flatnonzero(on_sleeve(places))
    if len(sleeve):
        u[sleeve], v[sleeve] = _along_arm(places[sleeve])
    return u, v


def on_sleeve(places: Values) -> Values:
    """(N,) bool: beyond the armhole's seam, which runs obliquely from the shoulder to the armpit."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    return (x + np.float32(SEAM_SLOPE) * y > SEAM) & (y > ARMPIT)


def _around_trunk(places: Values, radius: float) -> Values:
    facing = _plateau((places[:, 2] - np.float32(_TRUNK_MIDDLE)) / np.float32(_TRUNK_DEPTH))
    return np.asarray(np.float32(radius) * np.arctan2(places[:, 0], np.float32(radius) * facing))


def _over_shoulders(places: Values) -> Values:
    """Cloth that lies level on the shoulders still runs up to the seam along their top."""
    y, z = places[:, 1], places[:, 2]
    level = np.clip((y - np.float32(_SHOULDERS_FROM)) / np.float32(0.09), 0, 1)
    return np.asarray(y - np.float32(0.6) * level * np.abs(z + np.float32(0.01)))


def _along_arm(places: Values) -> tuple[Values, Values]:
    x, y, z = places.T
    around = np.arctan2(y - np.float32(_ARM_HEIGHT), z - np.float32(_ARM_MIDDLE))
    u = np.float32(_ARM_RADIUS) * around + np.float32(_SLEEVES) * np.sign(x)
    return u, np.float32(0.62) - np.abs(x)  # at the seam about the trunk's own height


def _with_legs(places: Values, around_trunk: Values) -> Values:
    x, y, z = places.T
    facing = _plateau((z - np.float32(_LEG_MIDDLE)) / np.float32(_LEG_DEPTH))
    out = np.abs(x) - np.float32(_LEG_X)
    leg = np.float32(_LEG_X) + np.float32(_LEG_RADIUS) * np.arctan2(out, np.float32(_LEG_RADIUS) * facing)
    share = np.clip((_CROTCH - y) / np.float32(0.08) + np.float32(0.5), 0, 1)
    share = np.where(z > 0, share, share > 0.5).astype(np.float32)
    return np.asarray(around_trunk + share * (np.copysign(leg, x) - around_trunk))


def _plateau(t: Values) -> Values:
    """Through 0 with slope 1.5, flat beyond -1 and 1."""
    t = np.clip(t, -1, 1)
    return np.asarray(t * (np.float32(1.5) - np.float32(0.5) * t * t))
