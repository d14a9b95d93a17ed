"""Legs that trousers hid: the person's own skin, round, where the body map has legs.

Arms are left to the try-on module: body maps have them as wide as their sleeves were.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]  # (h, w)
Plane = NDArray[np.float32]  # (h, w), 0..1
Colours = NDArray[np.float32]  # (h, w, 3), 0..255

_LEGS = (8, 10, 12, 14), (7, 9, 11, 13)  # DensePose's parts of the left one and of the right one
_TROUSERS = 6  # of ATR; skirts are not as slim as legs
# Chosen by eye on photos of people in trousers.
_SMOOTH = 1 / 160  # of the height: labels come in cells
_CLOTH = 1 / 150  # of the height, by which trousers are wider than legs
_EDGE = 1 / 500  # of the height
_DARKEST = 0.55  # light at a limb's edge, as a share of that in its middle
_THINNEST = 1 / 100  # of the height: half a limb's width, at least


class Legs(NamedTuple):
    """known: where trousers hid nothing but legs and ground. cover: how much of a pixel there is a leg. light: how it
    falls on it, a share of that in its middle."""

    known: Plane
    cover: Plane
    light: Plane


def legs(densepose: Labels, atr: Labels, hole: Labels) -> Legs:
    """Of labels at the photo's size; hole: 1 where the old garment is."""
    height = len(hole)
    clothed = cv2.dilate((atr == _TROUSERS).astype(np.uint8), _disc(_SMOOTH * height))
    hidden = hole & np.asarray(clothed, np.uint8)
    known = hidden & _smooth(np.isin(densepose, (0, *_LEGS[0], *_LEGS[1])), height)
    cover, light = np.zeros(hole.shape, np.float32), np.ones(hole.shape, np.float32)
    for parts in _LEGS if hidden.any() else ():
        leg = _smooth(np.isin(densepose, parts), height, _CLOTH)
        share = _blurred(leg, _EDGE * height) * hidden
        light = np.where(share > cover, _roundness(leg, height), light)
        cover = np.maximum(cover, share)
    return Legs(_blurred(known, _EDGE * height), cover, np.asarray(light, np.float32))


def _smooth(leg: NDArray[np.bool_], height: int, slimmer: float = 0.0) -> Labels:
    """1 where a leg is, without the steps of its labels."""
    shape = (_blurred(leg.astype(np.uint8), _SMOOTH * height) > 0.5).astype(np.uint8)
    return np.asarray(cv2.erode(shape, _disc(slimmer * height), borderValue=1), np.uint8)


def _roundness(leg: Labels, height: int) -> Plane:
    """(h, w): light that falls on a leg from in front, as wide as it is there."""
    inside = cv2.distanceTransform(cv2.copyMakeBorder(leg, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
    inside = np.asarray(inside[1:-1, 1:-1], np.float32)
    widest = max(float(inside.max()), _THINNEST * height)
    half = cv2.blur(cv2.dilate(inside, _disc(widest)), (2 * round(widest) + 1,) * 2)
    off = (1 - inside / np.maximum(half, _THINNEST * height)).clip(0, 1)
    return np.asarray(_DARKEST + (1 - _DARKEST) * (1 - off**2), np.float32)


def _blurred(plane: Labels, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), max(sigma, 0.3)), np.float32)


def _disc(radius: float) -> Labels:
    width = 2 * round(radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)
