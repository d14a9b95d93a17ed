"""Skin, eyes, hair and shoes as functions of places on the template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.synthetic.brush import Values, edge, mixed, over
from model.synthetic.cloth_colours import Colour

FACE_FROM = 0.605  # a face begins where y + 0.25 z exceeds this: the jaw's lower edge
_LIP_RED, _BLUSH_RED, _DARK = (0.62, 0.16, 0.18), (0.80, 0.28, 0.24), (0.10, 0.05, 0.04)
_SOLE = (0.90, 0.90, 0.88)
_EYE = (0.0315, 0.6805)  # |x|, y of the pupil


@dataclass(frozen=True)
class Complexion:
    """Somebody's colours, sRGB 0..1, and how strong what varies is, 0..1.

    stubble: a shade on the jaw. make_up: redder lips, darker lashes. freckled: mottled cheeks.
    """

    skin: Colour
    lips: Colour
    hair: Colour
    brows: Colour
    iris: Colour
    stubble: float = 0.0
    make_up: float = 0.0
    freckled: float = 0.0


# From light to dark, as people are.
_TONES: tuple[Colour, ...] = (
    (0.97, 0.83, 0.75),
    (0.94, 0.77, 0.66),
    (0.88, 0.69, 0.55),
    (0.79, 0.58, 0.43),
    (0.66, 0.46, 0.33),
    (0.50, 0.33, 0.23),
    (0.36, 0.23, 0.17),
)
_DARK_HAIR: tuple[Colour, ...] = ((0.08, 0.06, 0.06), (0.16, 0.11, 0.09), (0.26, 0.16, 0.11))
_LIGHT_HAIR: tuple[Colour, ...] = ((0.40, 0.26, 0.16), (0.62, 0.45, 0.27), (0.82, 0.68, 0.44), (0.52, 0.24, 0.12))
_GREY_HAIR: Colour = (0.66, 0.65, 0.64)
_DARK_EYES: tuple[Colour, ...] = ((0.20, 0.12, 0.07), (0.30, 0.18, 0.10))
_LIGHT_EYES: tuple[Colour, ...] = ((0.30, 0.44, 0.55), (0.35, 0.42, 0.26), (0.42, 0.30, 0.16))


def random_complexion(rng: np.random.Generator) -> Complexion:
    """Any human tone; light eyes and hair go with lighter skin only."""
    tone = rng.uniform(0, len(_TONES) - 1)
    low = min(int(tone), len(_TONES) - 2)
    warmth = rng.normal(0, 0.015)
    r, g, b = mixed(_TONES[low], _TONES[low + 1], tone - low)
    skin = (min(r + warmth, 1.0), g, b - warmth)
    light = tone < 3 and rng.uniform() < 0.6
    hairs = _LIGHT_HAIR if light else _DARK_HAIR
    hair = _GREY_HAIR if rng.uniform() < 0.06 else hairs[rng.integers(len(hairs))]
    eyes = _LIGHT_EYES if light else _DARK_EYES
    make_up = max(0.0, rng.uniform(-1, 1))
    lips = mixed(mixed(skin, _LIP_RED, 0.38), (rng.uniform(0.65, 0.8), 0.10, rng.uniform(0.15, 0.3)), 0.6 * make_up)
    return Complexion(
        skin,
        lips,
        hair,
        mixed(hair, (0.1, 0.07, 0.06), 0.45),
        eyes[rng.integers(len(eyes))],
        stubble=max(0.0, rng.uniform(-0.8, 0.8)) if make_up == 0 else 0.0,
        make_up=make_up,
        freckled=max(0.0, rng.uniform(-2, 1)) if tone < 2.5 else 0.0,
    )


def paint_skin(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): the tone, redder at joints of the limbs, nails, and a face. places: (N, 3)."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    colours = np.tile(np.asarray(complexion.skin, np.float32), (len(places), 1))
    face = np.flatnonzero((y + np.float32(0.25) * places[:, 2] > FACE_FROM) & (x < 0.12))
    if len(face):
        colours[face] = _face(complexion, places[face])
    arms = np.flatnonzero(x > 0.40)
    if len(arms):
        colours[arms] = _arms(complexion, places[arms])
    return colours


def paint_eyes(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): white, iris, pupil, and the lid's shade above."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    from_gaze = np.hypot(x - np.float32(_EYE[0]), y - np.float32(_EYE[1]))
    white = np.asarray((0.94, 0.93, 0.92), np.float32)
    colours = over(white, (0.60, 0.52, 0.50), 0.7 * np.clip((y - _EYE[1]) / np.float32(0.007), 0, 1))
    colours = over(colours, complexion.iris, edge(0.0062 - from_gaze, 0.001))
    colours = over(colours, (0.02, 0.02, 0.02), edge(0.0027 - from_gaze, 0.001))
    glint = np.hypot(places[:, 0] - np.copysign(_EYE[0], places[:, 0]) + 0.002, y - np.float32(_EYE[1] + 0.0025))
    return over(colours, (1.0, 1.0, 1.0), 0.9 * edge(0.0012 - glint, 0.0008))


def paint_hair(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): strands running down from the crown, lighter and darker."""
    x, y, z = places.T
    around = np.arctan2(x, z - np.float32(0.02))
    strands = np.sin(around * 47 + 9 * y) + np.sin(around * 29 - 23 * y + 1.3)
    lighter = mixed(complexion.hair, (1.0, 0.92, 0.80), 0.14)
    colours = over(np.asarray(complexion.hair, np.float32), lighter, np.clip(0.25 * strands + 0.3, 0, 1))
    return over(colours, mixed(complexion.hair, _DARK, 0.5), np.clip(-0.25 * strands - 0.1, 0, 1))


def paint_shoes(colour: Colour, places: Values) -> Values:
    """sRGB, (N, 3): uppers, laces and a pale sole."""
    x, y, z = places.T
    colours = over(np.asarray(colour, np.float32), _SOLE, 0.85 * edge(-0.885 - y, 0.004))
    tongue = edge(0.018 - np.abs(np.abs(x) - 0.145), 0.006) * edge(0.03 - np.abs(z - np.float32(0.065)), 0.006)
    laces = np.clip(np.sin(z * np.float32(420)) * 2, 0, 1) * tongue * (y > -0.87)
    return over(colours, mixed(colour, (0.95, 0.95, 0.95), 0.75), 0.8 * laces)


def _face(complexion: Complexion, places: Values) -> Values:
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    in_front = edge(z - np.float32(0.085), 0.02)
    skin = complexion.skin
    blush = np.exp(-((x - np.float32(0.048)) ** 2 + (y - np.float32(0.648)) ** 2) / np.float32(0.0006))
    nose = np.exp(-(x**2 + (y - np.float32(0.645)) ** 2) / np.float32(0.0003))
    strength = 0.16 + 0.16 * complexion.make_up
    colours = over(
        np.asarray(skin, np.float32), mixed(skin, _BLUSH_RED, 0.8), in_front * strength * (blush + 0.6 * nose)
    )
    if complexion.freckled:
        spots = np.sin(x * 1500 + 700 * y) * np.sin(y * 1300 - 500 * x)
        freckles = np.clip(spots - 0.4, 0, 1) * edge(0.03 - np.abs(y - np.float32(0.655)), 0.02) * in_front
        colours = over(colours, mixed(skin, (0.55, 0.28, 0.14), 0.6), complexion.freckled * freckles)
    if complexion.stubble:
        beard = edge(0.624 - 0.15 * z + 0.35 * np.maximum(x - 0.03, 0) - y, 0.03) * edge(z - 0.02, 0.04)
        above = edge(0.008 - np.abs(y - np.float32(0.624)), 0.004) * edge(0.026 - x, 0.01) * in_front
        cover = 0.55 * complexion.stubble * np.maximum(beard, above)
        colours = over(colours, mixed(complexion.hair, skin, 0.3), cover)
    colours = over(colours, mixed(skin, _DARK, 0.45), 0.8 * _sockets(x, y, complexion.make_up) * in_front)
    colours = over(colours, complexion.lips, _lips(x, y) * in_front)
    parting = edge(0.0012 - np.abs(y - 0.6105 - 6 * x * x), 0.001) * edge(0.022 - x, 0.003)
    colours = over(colours, mixed(complexion.lips, _DARK, 0.6), 0.8 * parting * in_front)
    nostrils = edge(0.0042 - np.hypot(x - np.float32(0.0085), 1.6 * (y - np.float32(0.6355))), 0.003)
    colours = over(colours, mixed(skin, _DARK, 0.6), 0.7 * nostrils * in_front)
    arch = np.float32(0.7025) - 7 * (x - np.float32(0.036)) ** 2
    thick = 0.0045 - 0.05 * np.maximum(x - np.float32(0.036), 0)
    brows = np.minimum(thick - np.abs(y - arch), 0.020 - np.abs(x - np.float32(0.034)))
    return over(colours, complexion.brows, 0.85 * edge(brows, 0.003) * in_front)


def _sockets(x: Values, y: Values, make_up: float) -> Values:
    """Lashes around the eyes, thicker above."""
    dx, dy = (x - np.float32(_EYE[0])) / np.float32(0.0135), (y - np.float32(_EYE[1] + 0.0005)) / np.float32(0.0066)
    rim = np.clip(1.5 - np.hypot(dx, dy), 0, 0.5) * 2
    return rim * np.where(dy > 0, 0.75 + 0.25 * make_up, 0.25 + 0.3 * make_up)


def _lips(x: Values, y: Values) -> Values:
    """A bow above, a fuller curve below."""
    upper = np.float32(0.6105) + 0.0075 * (1 - (x / 0.0235) ** 2) - 0.002 * np.clip(1 - x / 0.006, 0, 1)
    lower = np.float32(0.6105) - 0.0095 * (1 - (x / 0.0235) ** 2)
    return edge(np.minimum(upper - y, y - lower), 0.002) * (x < 0.0235)


def _arms(complexion: Complexion, places: Values) -> Values:
    """Redder knuckles and elbows, and pale nails on the backs of the fingers' ends."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    red = np.maximum(
        np.exp(-(((x - np.float32(0.775)) / 0.02) ** 2)), np.exp(-(((x - np.float32(0.44)) / 0.03) ** 2)) * (z < 0.0)
    )
    colours = over(np.asarray(complexion.skin, np.float32), mixed(complexion.skin, _BLUSH_RED, 0.5), 0.25 * red)
    end = 0.857 - 4.0 * (z - np.float32(0.005)) ** 2 * 2.0
    nails = edge(0.007 - np.abs(x - end + 0.007), 0.002) * (y > 0.443) * (x > 0.78)
    return over(colours, mixed(complexion.skin, (1.0, 0.86, 0.84), 0.5), 0.6 * nails)
