"""The colour of cloth: its fabric, and the ribs, hems, seams, plackets and pockets that make it a garment."""

from __future__ import annotations

import numpy as np

from model.clothes.arrays import Values
from model.clothes.cloth_coordinates import ARMPIT, SEAM, SEAM_SLOPE, cloth_coordinates, on_sleeve
from model.clothes.outlines import hem_depth, neck_depth, sleeve_depth, waist_depth
from model.synthetic.fabrics.brush import edge, mixed, over
from model.synthetic.fabrics.footprints import footprints
from model.synthetic.fabrics.garments import Garment

_BLACK, _BRASS = (0.0, 0.0, 0.0), (0.72, 0.66, 0.52)  # of seams' shadows, of buttons
_RIB, _WAIST_BAND, _HEM = 0.022, 0.035, 0.018  # how wide they are, metres
_STITCH = 0.003  # how wide a seam is, metres


def paint_garment(garment: Garment, places: Values, index: Values, shape: tuple[int, int]) -> Values:
    """sRGB, (N, 3), before light falls on it.

    Args:
        places: (N, 3) on the template.
        index: (N,) of these pixels in the flattened picture of `shape` (H, W).
    """
    u, v = cloth_coordinates(garment.kind, places)
    pixel = footprints(index, shape, u, v)
    colours = garment.fabric.colours_at(u, v, pixel)
    size = np.maximum(pixel.max(1), 0.002)
    if garment.place == "lower":
        return _lower_details(garment, places, u, size, colours)
    return _upper_details(garment, places, u, size, colours)


def _upper_details(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    edges = np.minimum(neck_depth(garment, places), sleeve_depth(garment, places))
    band = _RIB if garment.ribbed else 0.6 * _RIB
    if garment.ribbed:
        colours = over(colours, garment.trim, edge(_RIB - edges, size))
    dark = _line(edges - np.float32(band), size, 0.25)
    dark = np.maximum(dark, _line(hem_depth(garment, places) - np.float32(_HEM), size, 0.20))
    if not garment.sleeveless:
        dark = np.maximum(dark, _line(_armhole(places), size, 0.22))
    if garment.kind == "dress":
        dark = np.maximum(dark, _line(places[:, 1] - np.float32(0.075), size, 0.25))
    if garment.placket:
        colours = _placket(garment, places, u, size, colours)
    return over(colours, _BLACK, dark)


def _lower_details(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    x, y, z = places.T
    waist = waist_depth(garment, places)
    if garment.ribbed:
        colours = over(colours, garment.trim, edge(_WAIST_BAND - waist, size))
    dark = _line(waist - np.float32(_WAIST_BAND), size, 0.30)
    dark = np.maximum(dark, _line(hem_depth(garment, places) - np.float32(_HEM), size, 0.20))
    out = np.abs(x)
    if garment.kind == "trousers":
        sides = _line(z - np.float32(0.012), size, 0.25) * (out > 0.14)
        fly = _line(x, size, 0.28) * ((y > -0.09) & (z > 0))
        dark = np.maximum.reduce([dark, sides, fly])
        button = np.hypot(x, waist - np.float32(0.5 * _WAIST_BAND))
        colours = over(colours, _BRASS, edge(0.008 - button, size) * (z > 0))
    if garment.pockets:
        # In front an oblique slit each side, behind a patch on each half.
        slit = _line(out - np.float32(0.088) - np.float32(0.35) * waist, size, 0.35)
        patch = _line(np.maximum(np.abs(np.abs(u) - 0.33) - 0.055, np.abs(y + np.float32(0.04)) - 0.06), size, 0.30)
        in_front = (z > 0) & (waist > _WAIST_BAND) & (waist < 0.15)
        dark = np.maximum.reduce([dark, slit * in_front, patch * (z < 0)])
    return over(colours, _BLACK, dark)


def _placket(garment: Garment, places: Values, u: Values, size: Values, colours: Values) -> Values:
    """A buttoned strip from the neck to the hem."""
    front = edge(places[:, 2] - 0.03, 0.02)
    strip = mixed(garment.fabric.colours[0], (1.0, 1.0, 1.0), 0.12)
    colours = over(colours, strip, front * edge(0.016 - np.abs(u), size))
    colours = over(colours, _BLACK, front * _line(np.abs(u) - np.float32(0.017), size, 0.25))
    spaced = np.abs((places[:, 1] + np.float32(1)) % np.float32(0.085) - np.float32(0.0425))
    return over(colours, garment.trim, front * edge(0.007 - np.hypot(u, spaced), size))


def _armhole(places: Values) -> Values:
    """(N,) metres beyond the seam between trunk and sleeve; far where there is none."""
    x, y = np.abs(places[:, 0]), places[:, 1]
    beyond = (x + np.float32(SEAM_SLOPE) * y - np.float32(SEAM)) * np.float32(0.96)  # 1 / hypot(1, slope)
    return np.where(y > ARMPIT, beyond, np.float32(1))


def _line(distance: Values, size: Values, strength: float) -> Values:
    """(N,) how dark a seam is where `distance` is 0: fainter, not broader, where a pixel is larger than it."""
    thin = np.minimum(np.float32(2 * _STITCH) / size, 1)
    return np.asarray(strength * thin * edge(_STITCH - np.abs(distance), size))


def creases(garment: Garment, places: Values) -> Values:
    """(N,) about 1: how folds of hanging cloth brighten and darken it, where the mesh has none."""
    x, y, z = places.T
    if garment.kind in ("skirt", "dress"):
        low = np.clip((np.float32(0.05) - y) / np.float32(0.4), 0, 1)
        wave = np.sin(np.arctan2(x, z - np.float32(0.02)) * 9)
        return np.asarray(1 + np.float32(0.22) * low * wave)
    if garment.kind == "trousers":
        bent = _bump(y, -0.40, 0.10) + _bump(y, -0.76, 0.07)
        return np.asarray(1 + np.float32(0.12) * bent * np.sin(140 * y + 35 * np.abs(x) + 50 * z))
    sleeves = on_sleeve(places)
    elbows = _bump(np.abs(x), 0.43, 0.06) * sleeves * np.sin(120 * x + 60 * z)
    waist = _bump(y, 0.06, 0.09) * ~sleeves * np.sin(45 * y + 26 * x + 30 * z)
    return np.asarray(1 + np.float32(0.12) * (elbows + waist))


def _bump(x: Values, middle: float, width: float) -> Values:
    """1 at `middle`, 0 from two widths on."""
    t = (x - np.float32(middle)) / np.float32(2 * width)
    return np.asarray(np.maximum(1 - t * t, 0) ** 2)
