"""Skin, eyes, hair and shoes as functions of places on the template."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values
from model.synthetic.fabrics.brush import covered, edge, mixed, over
from model.synthetic.fabrics.cloth_colours import Colour
from model.synthetic.people.complexions import Complexion
from model.synthetic.people.faces import BLUSH_RED, DARK, EYE, FACE_FROM, paint_face

_SOLE = (0.90, 0.90, 0.88)  # of all shoes: nearly white


def paint_skin(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): the tone, redder at joints of the limbs, nails, and a face. places: (N, 3)."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    colours = covered(complexion.skin, len(places))
    face = np.flatnonzero((y + np.float32(0.25) * places[:, 2] > FACE_FROM) & (x < 0.12))
    if len(face):
        colours[face] = paint_face(complexion, places[face])
    arms = np.flatnonzero(x > 0.40)
    if len(arms):
        colours[arms] = _arms(complexion, places[arms])
    return colours


def paint_eyes(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): white, iris, pupil, and the lid's shade above."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    from_gaze = np.hypot(x - np.float32(EYE[0]), y - np.float32(EYE[1]))
    white = np.asarray((0.94, 0.93, 0.92), np.float32)
    colours = over(white, (0.60, 0.52, 0.50), 0.7 * np.clip((y - EYE[1]) / np.float32(0.007), 0, 1))
    colours = over(colours, complexion.iris, edge(0.0062 - from_gaze, 0.001))
    colours = over(colours, (0.02, 0.02, 0.02), edge(0.0027 - from_gaze, 0.001))
    glint = np.hypot(places[:, 0] - np.copysign(EYE[0], places[:, 0]) + 0.002, y - np.float32(EYE[1] + 0.0025))
    return over(colours, (1.0, 1.0, 1.0), 0.9 * edge(0.0012 - glint, 0.0008))


def paint_hair(complexion: Complexion, places: Values) -> Values:
    """sRGB, (N, 3): strands running down from the crown, lighter and darker."""
    x, y, z = places.T
    around = np.arctan2(x, z - np.float32(0.02))
    wavy = around + np.float32(0.05) * np.sin(40 * y)
    strands = np.sin(wavy * 71) + np.sin(wavy * 43 - 17 * y + 1.3) + 0.6 * np.sin(wavy * 131 + 9 * y)
    lighter = mixed(complexion.hair, (1.0, 0.92, 0.80), 0.12)
    colours = over(np.asarray(complexion.hair, np.float32), lighter, np.clip(0.2 * strands + 0.4, 0, 1))
    return over(colours, mixed(complexion.hair, DARK, 0.45), np.clip(-0.2 * strands - 0.1, 0, 1))


def paint_shoes(colour: Colour, places: Values) -> Values:
    """sRGB, (N, 3): uppers, laces and a pale sole."""
    x, y, z = places.T
    colours = over(np.asarray(colour, np.float32), _SOLE, 0.85 * edge(-0.885 - y, 0.004))
    tongue = edge(0.018 - np.abs(np.abs(x) - 0.145), 0.006) * edge(0.03 - np.abs(z - np.float32(0.065)), 0.006)
    laces = np.clip(np.sin(z * np.float32(420)) * 2, 0, 1) * tongue * (y > -0.87)
    return over(colours, mixed(colour, (0.95, 0.95, 0.95), 0.75), 0.8 * laces)


def _arms(complexion: Complexion, places: Values) -> Values:
    """Redder knuckles and elbows, and pale nails on the backs of the fingers' ends."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    red = np.maximum(
        np.exp(-(((x - np.float32(0.775)) / 0.02) ** 2)), np.exp(-(((x - np.float32(0.44)) / 0.03) ** 2)) * (z < 0.0)
    )
    colours = over(np.asarray(complexion.skin, np.float32), mixed(complexion.skin, BLUSH_RED, 0.5), 0.25 * red)
    end = 0.857 - 4.0 * (z - np.float32(0.005)) ** 2 * 2.0
    nails = edge(0.007 - np.abs(x - end + 0.007), 0.002) * (y > 0.443) * (x > 0.78)
    return over(colours, mixed(complexion.skin, (1.0, 0.86, 0.84), 0.5), 0.6 * nails)
