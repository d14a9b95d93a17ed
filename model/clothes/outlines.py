"""Where a garment ends on the template: distances from its edges, positive inside.

They are exact to a few percent within some centimetres of an edge.
"""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values
from model.clothes.cloth_coordinates import ARMPIT
from model.clothes.cut import NECK_TOP, Cut

_HEAD = 0.58  # height above which no cloth reaches
_NAPE_DEPTH = 0.025  # how far the opening reaches down at the back
_FRONT, _BACK = 0.06, -0.02  # z between which it rises
_ARMPIT, _ARMHOLE_MIDDLE = 0.35, 0.47  # heights of an armhole without a sleeve
_ARMHOLE_END = 0.21  # |x| beyond which no strap reaches
_DRESS_WAIST, _TUCK = 0.06, 0.04  # bodice above, skirt below; how far the skirt reaches up under the bodice
_ANKLE = -0.79  # height of a shoe's opening: where the leg is thinnest, just above its joint


def bodice_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres inside the nearest edge of a top, or of a dress above its waist."""
    lower = places[:, 1] - _DRESS_WAIST if cut.kind == "dress" else hem_depth(cut, places)
    return np.asarray(np.minimum.reduce([lower, neck_depth(cut, places), sleeve_depth(cut, places)]))


def trousers_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres inside the nearest edge of trousers."""
    return np.minimum(waist_depth(cut, places), hem_depth(cut, places))


def skirt_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres inside the nearest edge of a skirt, or of a dress below its waist."""
    upper = _DRESS_WAIST + _TUCK - places[:, 1] if cut.kind == "dress" else waist_depth(cut, places)
    return np.minimum(upper, hem_depth(cut, places))


def neck_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres outside the neck's opening: an ellipse seen from in front, or a V, shallow at the back."""
    return np.minimum(_outside_opening(cut, places), np.float32(_HEAD) - places[:, 1])


def _outside_opening(cut: Cut, places: Values) -> Values:
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    in_front = np.clip((z - _BACK) / (_FRONT - _BACK), 0, 1)
    reach = np.float32(_NAPE_DEPTH) + in_front * np.float32(cut.neck_depth - _NAPE_DEPTH)
    across = x / np.float32(cut.neck_width)
    down = np.maximum(NECK_TOP - y, 0) / reach
    if cut.v_neck:
        # The slope of a V; along it both terms grow together.
        return (across + down - 1) / np.hypot(1 / cut.neck_width, 1 / reach)
    q = np.hypot(across, down) + 1e-6
    return (q - 1) * q / np.hypot(across / cut.neck_width, down / reach + 1e-6)


def sleeve_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres from a sleeve's end towards the shoulder, or from the edge of an armhole."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    if not cut.sleeveless:
        return np.where(y > ARMPIT, cut.sleeve - x, 1.0).astype(np.float32)
    wide, high = _ARMHOLE_END - cut.sleeve, _ARMHOLE_MIDDLE - _ARMPIT
    across = np.minimum(x - _ARMHOLE_END, 0) / np.float32(wide)
    up = np.minimum(y - _ARMHOLE_MIDDLE, 0) / np.float32(high)
    q = np.hypot(across, up) + 1e-6
    return (q - 1) * q / np.hypot(across / wide, up / high + 1e-6)


def waist_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres below the upper edge."""
    return np.float32(cut.waist) - places[:, 1]


def hem_depth(cut: Cut, places: Values) -> Values:
    """(N,) metres above the lower edge."""
    return places[:, 1] - np.float32(cut.hem)


def shoe_depth(places: Values) -> Values:
    """(N,) metres below a shoe's opening, which is lower in front."""
    return np.float32(_ANKLE) - np.float32(0.12) * np.maximum(places[:, 2], 0) - places[:, 1]


def scalp_depth(places: Values) -> Values:
    """(N,) metres inside the hairline: from the forehead, over the ears, to the nape."""
    x, y, z = places.T
    hairline = 0.795 * (y - 0.748) - 0.607 * (z - 0.125) + 0.10 * np.abs(x)
    return np.asarray(np.minimum(hairline, y - 0.56), np.float32)
