"""A face, painted on the template's head: everything from the jaw to the scalp but the eyeballs."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values
from model.clothes.outlines import scalp_depth
from model.synthetic.fabrics.brush import edge, mixed, over
from model.synthetic.people.complexions import Complexion

FACE_FROM = 0.605  # a face begins where y + 0.25 z exceeds this: the jaw's lower edge
EYE = (0.0315, 0.6805)  # |x|, y of the pupil
BLUSH_RED, DARK = (0.80, 0.28, 0.24), (0.10, 0.05, 0.04)  # of cheeks; of what lies in shadow: eyes, nostrils, mouth


def hair_depth(places: Values) -> Values:
    """(N,) metres above the hairline on the scalp, negative on face, ears and neck."""
    return np.minimum(scalp_depth(places), np.float32(0.083) - np.abs(places[:, 0]))  # ears stand out farther


def paint_face(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3), of places on head and scalp: cheeks, stubble, lashes, lips, nostrils, brows, hair's roots."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    in_front = edge(z - np.float32(0.085), 0.02)
    skin = complexion.skin
    blush = np.exp(-((x - np.float32(0.048)) ** 2 + (y - np.float32(0.648)) ** 2) / np.float32(0.0006))
    nose = np.exp(-(x**2 + (y - np.float32(0.645)) ** 2) / np.float32(0.0003))
    strength = 0.13 + 0.08 * complexion.make_up
    colours = over(
        np.asarray(skin, np.float32), mixed(skin, BLUSH_RED, 0.8), in_front * strength * (blush + 0.6 * nose)
    )
    if complexion.freckled:
        spots = np.sin(x * 1500 + 700 * y) * np.sin(y * 1300 - 500 * x)
        freckles = np.clip(spots - 0.4, 0, 1) * edge(0.03 - np.abs(y - np.float32(0.655)), 0.02) * in_front
        colours = over(colours, mixed(skin, (0.55, 0.28, 0.14), 0.6), complexion.freckled * freckles)
    if complexion.stubble:
        beard = edge(0.602 + 0.7 * np.maximum(x - 0.025, 0) - y, 0.025) * edge(z - 0.03, 0.05)
        above = edge(0.005 - np.abs(y - np.float32(0.624)), 0.010) * edge(0.024 - x, 0.014) * in_front
        cover = 0.45 * complexion.stubble * np.maximum(beard, above)
        colours = over(colours, mixed(complexion.hair, skin, 0.3), cover)
    colours = over(colours, mixed(skin, DARK, 0.45), 0.8 * _sockets(x, y, complexion.make_up) * in_front)
    colours = over(colours, complexion.lips, _lips(x, y) * in_front)
    parting = edge(0.0018 - np.abs(y - np.float32(0.6103) - 5 * x * x), 0.001) * edge(0.027 - x, 0.002)
    colours = over(colours, mixed(complexion.lips, DARK, 0.6), 0.8 * parting * in_front)
    nostrils = edge(0.0042 - np.hypot(x - np.float32(0.0085), 1.6 * (y - np.float32(0.6355))), 0.003)
    colours = over(colours, mixed(skin, DARK, 0.6), 0.7 * nostrils * in_front)
    arch = np.float32(0.7025) - 7 * (x - np.float32(0.036)) ** 2
    thick = 0.0038 - 0.10 * np.maximum(x - np.float32(0.032), 0)
    brows = np.minimum(thick - np.abs(y - arch), 0.020 - np.abs(x - np.float32(0.034)))
    colours = over(colours, complexion.brows, 0.75 * edge(brows, 0.003) * in_front)
    return over(colours, mixed(complexion.hair, skin, 0.15), edge(hair_depth(places), 0.006))


def _sockets(x: Values, y: Values, make_up: float) -> Values:
    """Lashes around the eyes, thicker above."""
    dx, dy = (x - np.float32(EYE[0])) / np.float32(0.0135), (y - np.float32(EYE[1] + 0.0005)) / np.float32(0.0066)
    rim = np.clip(1.5 - np.hypot(dx, dy), 0, 0.5) * 2
    return np.asarray(rim * np.where(dy > 0, 0.75 + 0.25 * make_up, 0.25 + 0.3 * make_up))


def _lips(x: Values, y: Values) -> Values:
    """A bow above, a fuller curve below."""
    upper = np.float32(0.6105) + 0.0075 * (1 - (x / 0.0235) ** 2) - 0.002 * np.clip(1 - x / 0.006, 0, 1)
    lower = np.float32(0.6105) - 0.0095 * (1 - (x / 0.0235) ** 2)
    return edge(np.minimum(upper - y, y - lower), 0.002) * (x < 0.0235)
