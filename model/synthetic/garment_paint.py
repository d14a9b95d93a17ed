"""The colour of cloth: its fabric, and the ribs, hems, seams, plackets and pockets that make it a garment."""

from __future__ import annotations

import numpy as np

from model.synthetic.brush import Values, edge, mixed, over
from model.synthetic.cloth_coordinates import cloth_coordinates, on_sleeve
from model.synthetic.cuts import hem_depth, neck_depth, sleeve_depth, waist_depth
from model.synthetic.footprints import footprints
from model.synthetic.garments import Garment

_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_RIB, _WAIST_BAND, _HEM = 0.022, 0.035, 0.018  # how wide they are, metres
_STITCH = 0.003


def paint_garment(garment: Garment, places: Values, index: Values, shape: tuple[int, int]) -> Values:
    """sRGB, (N, 3), before light falls on it.

    Args:
        places: (N, 3) on the template.
        index: (N,) of these pixels in the flattened picture of `shape` (H, W).
    """
    u, v = cloth_coordinates(places, legs=garment.kind == "trousers")
    pixel = footprints(index, shape, u, v)
    colours = garment.fabric.colours_at(u, v, pixel)
    size = np.maximum(pixel.max(1), 0.002)
    if garment.place == "lower":
        return _lower_details(garment, places, u, size, colours)
    return _upper_details(garment, places, u, size, colours)


def _upper_details(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    neck, cuff, hem = neck_depth(garment, places), sleeve_depth(garment, places), hem_depth(garment, places)
    if garment.ribbed:
        rib = np.minimum(neck, cuff)
        colours = over(colours, garment.trim, edge(_RIB - rib, size))
        colours = _line(colours, rib - _RIB, size, 0.25)
    else:
        colours = _line(colours, np.minimum(neck, cuff) - 0.6 * _RIB, size, 0.20)
    colours = _line(colours, hem - _HEM, size, 0.20)
    if not garment.sleeveless:
        colours = _line(colours, _armhole(places), size, 0.22)
    if garment.placket:
        colours = _placket(garment, places, u, size, colours)
    if garment.kind == "dress":
        colours = _line(colours, places[:, 1] - np.float32(0.10), size, 0.25)
    return colours


def _lower_details(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    x, y, z = places.T
    waist, hem = waist_depth(garment, places), hem_depth(garment, places)
    if garment.ribbed:
        colours = over(colours, garment.trim, edge(_WAIST_BAND - waist, size))
    colours = _line(colours, waist - _WAIST_BAND, size, 0.30)
    colours = _line(colours, hem - _HEM, size, 0.20)
    if garment.kind == "trousers":
        front = edge(z - 0.03, 0.02)
        colours = _line(colours, np.where(np.abs(x) > 0.14, z - 0.012, 1.0), size, 0.25)  # side seams
        fly = np.where((y > -0.09) & (waist > 0), x, 1.0)
        colours = over(colours, _BLACK, 0.28 * front * edge(_STITCH - np.abs(fly), size))
        button = np.hypot(x, waist - 0.5 * _WAIST_BAND)
        colours = over(colours, (0.72, 0.66, 0.52), front * edge(0.008 - button, size))
    if garment.pockets:
        # In front an oblique slit each side, behind a patch on each half.
        slit = np.where(
            (z > 0) & (waist > _WAIST_BAND) & (waist < 0.15), np.abs(x) - 0.10 - 0.35 * (waist - 0.035), 1.0
        )
        colours = _line(colours, slit, size, 0.35)
        patch = np.maximum(np.abs(np.abs(u) - 0.33) - 0.055, np.abs(y + 0.04) - 0.06)
        colours = _line(colours, np.where(z < 0, patch, 1.0), size, 0.30)
    return colours


def _placket(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    """A buttoned strip from the neck to the hem."""
    front = edge(places[:, 2] - 0.03, 0.02)
    colours = over(colours, mixed(garment.fabric.colours[0], _WHITE, 0.12), 0.8 * front * edge(0.016 - np.abs(u), size))
    colours = over(colours, _BLACK, 0.25 * front * edge(_STITCH - np.abs(np.abs(u) - 0.017), size))
    spaced = np.abs((places[:, 1] + np.float32(1)) % np.float32(0.085) - np.float32(0.0425))
    return over(colours, garment.trim, front * edge(0.007 - np.hypot(u, spaced), size))


def _armhole(places: Values) -> Values:
    """(N,) metres beyond the seam between trunk and sleeve; far where there is none."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    return np.where(y > 0.33, (x + np.float32(0.3) * y - np.float32(0.305)) * np.float32(0.96), 1.0)


def _line(colours: Values, distance: Values, size: Values, strength: float) -> Values:
    """A seam where `distance` is 0: darker, never thinner than can be seen."""
    return over(colours, _BLACK, strength * edge(_STITCH - np.abs(distance), size))


def creases(garment: Garment, places: Values) -> Values:
    """(N,) about 1: how folds of hanging cloth brighten and darken it, where the mesh has none."""
    x, y, z = places.T
    if garment.kind in ("skirt", "dress"):
        low = np.clip((np.float32(0.05) - y) / np.float32(0.4), 0, 1)
        wave = np.sin(np.arctan2(x, z - np.float32(0.02)) * 9)
        return 1 + np.float32(0.22) * low * wave
    if garment.kind == "trousers":
        knees = np.exp(-(((y + np.float32(0.40)) / np.float32(0.10)) ** 2))
        ankles = np.exp(-(((y + np.float32(0.76)) / np.float32(0.07)) ** 2))
        return 1 + np.float32(0.12) * (knees + ankles) * np.sin(140 * y + 35 * np.abs(x) + 50 * z)
    sleeves = on_sleeve(places)
    elbows = np.exp(-(((np.abs(x) - np.float32(0.43)) / np.float32(0.06)) ** 2)) * sleeves
    waist = np.exp(-(((y - np.float32(0.06)) / np.float32(0.09)) ** 2)) * ~sleeves
    return 1 + np.float32(0.12) * (elbows * np.sin(120 * x + 60 * z) + waist * np.sin(45 * y + 26 * x + 30 * z))
