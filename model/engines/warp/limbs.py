"""Arms and legs that the old garment hid: the person's own skin on round limbs, where the body map has them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]  # (h, w)
Plane = NDArray[np.float32]  # (h, w), 0..1
Colours = NDArray[np.float32]  # (h, w, 3), 0..255

# DensePose's parts and the clothes of ATR (upper, dress; trousers) that hide them as slim as they are: not skirts.
_ARMS, _SLEEVES = ((15, 17, 19, 21), (16, 18, 20, 22)), (4, 7)
_LEGS, _TROUSERS = ((8, 10, 12, 14), (7, 9, 11, 13)), (6,)
# Chosen by eye on photos of people in trousers.
_SMOOTH = 1 / 160  # of the height: labels come in cells
_CLOTH = 1 / 200  # of the height, by which trousers are wider than legs
_EDGE = 1 / 500  # of the height
_DARKEST = 0.62  # light at a limb's edge, as a share of that in its middle
_THINNEST = 1 / 100  # of the height: half a limb's width, at least


class Limbs(NamedTuple):
    """known: where the old garment hid nothing but limbs and ground. cover: how much of a pixel there is a limb.
    light: how it falls on it, about 1."""

    known: Plane
    cover: Plane
    light: Plane


def limbs(densepose: Labels, atr: Labels, hole: Labels) -> Limbs:
    """Of labels at the photo's size; hole: 1 where the old garment is."""
    height = len(hole)
    known, cover, light = (
        np.zeros(hole.shape, np.uint8),
        np.zeros(hole.shape, np.float32),
        np.ones(hole.shape, np.float32),
    )
    for pair, clothes, slimmer in ((_ARMS, _SLEEVES, 0.0), (_LEGS, _TROUSERS, _CLOTH)):
        clothed = cv2.dilate(np.isin(atr, clothes).astype(np.uint8), _disc(_SMOOTH * height))
        hidden = hole & np.asarray(clothed, np.uint8)
        known |= hidden & _smooth(np.isin(densepose, (0, *pair[0], *pair[1])), height)
        for parts in pair:
            limb = _smooth(np.isin(densepose, parts), height, slimmer)
            if (limb & hidden).any():
                share = _blurred(limb, _EDGE * height) * hidden
                light = np.where(share > cover, _roundness(limb, height), light)
                cover = np.maximum(cover, share)
    return Limbs(_blurred(known, _EDGE * height), cover, np.asarray(light, np.float32))


def _smooth(limb: NDArray[np.bool_], height: int, slimmer: float = 0.0) -> Labels:
    """1 where a limb is, without the steps of its labels."""
    shape = (_blurred(limb.astype(np.uint8), _SMOOTH * height) > 0.5).astype(np.uint8)
    return np.asarray(cv2.erode(shape, _disc(slimmer * height), borderValue=1), np.uint8)


def _roundness(limb: Labels, height: int) -> Plane:
    """(h, w): light on a cylinder as wide as the limb is there."""
    inside = cv2.distanceTransform(cv2.copyMakeBorder(limb, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
    inside = np.asarray(inside[1:-1, 1:-1], np.float32)
    widest = max(float(inside.max()), _THINNEST * height)
    half = cv2.blur(cv2.dilate(inside, _disc(widest)), (2 * round(widest) + 1,) * 2)
    off = (1 - inside / np.maximum(half, _THINNEST * height)).clip(0, 1)
    return np.asarray(_DARKEST + (1 - _DARKEST) * np.sqrt(1 - off**2), np.float32)


def _blurred(plane: Labels, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane.astype(np.float32), (0, 0), max(sigma, 0.3)), np.float32)


def _disc(radius: float) -> Labels:
    width = 2 * round(radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)
