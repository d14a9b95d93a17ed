"""Garments lying flat, as a shop photographs them: seen from the front, on white."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model.synthetic.body import SIDES
from model.synthetic.canvas import Canvas
from model.synthetic.colour import shaded
from model.synthetic.fabric import Fabric
from model.synthetic.garment import Garment
from model.synthetic.shape import Points, blob, facing, limb, mirrored, moved, outline

_SIZE, _PLACE = 1.18, np.array([288.0, -67.0])  # outlines below are smaller, and drawn around x = 0
_CHEST, _HIPS = (288.0, 330.0), (288.0, 300.0)  # on the sheet: where patterns have their origin
_LIFT = (4.0, 9.0)  # how far the shadow on the table lies from the garment, in units


def draw_flat(canvas: Canvas, garment: Garment) -> None:
    """Lay `garment` in the middle of the canvas."""
    if garment.is_upper:
        _draw_top(canvas, garment)
    elif garment.cut == "trousers":
        _draw_trousers(canvas, garment.fabric)
    else:
        _draw_skirt(canvas, garment.fabric)


def _draw_top(canvas: Canvas, garment: Garment) -> None:
    body, right_sleeve = _top_body(), _placed(_SLEEVES[garment.cut])
    sleeves = {1: right_sleeve, -1: _flipped(right_sleeve)}
    _lay(canvas, body, *sleeves.values())
    canvas.paint(_placed(blob(_INSIDE_BACK)), shaded(garment.fabric.colour, 0.62))
    for side, sleeve in sleeves.items():
        lean = side * _SLEEVE_LEAN[garment.cut]
        cloth = garment.fabric.for_sleeves().weave((288 + side * 150, 300), -lean)
        canvas.paint(sleeve, cloth, shade=0.22, depth=11)
        _stitch(canvas, facing(_CUFFS[garment.cut], side))
        canvas.darken(body, 0.25, blur=4, inside=sleeve)
    canvas.paint(body, garment.fabric.weave(_CHEST), shade=0.22, depth=16)
    _fold(canvas, body)
    _stitch(canvas, [(-112, 598), (0, 605), (112, 598)])
    _draw_collar(canvas, garment.fabric)


def _draw_collar(canvas: Canvas, fabric: Fabric) -> None:
    rib = _placed(limb(_NECKLINE, (6.5,) * 7))
    canvas.darken(moved(rib, (1, 3)), 0.25, blur=2)
    canvas.paint(rib, shaded(fabric.colour, 0.93), shade=0.2, depth=4)
    canvas.darken(_placed(limb(_NECKLINE, (0.6,) * 7)), 0.12, blur=0.6)


def _draw_trousers(canvas: Canvas, fabric: Fabric) -> None:
    right = _placed(_TROUSER_LEG)
    _lay(canvas, right, _flipped(right))
    for leg in (_flipped(right), right):
        canvas.paint(leg, fabric.weave(_HIPS), shade=0.22, depth=13)
    _draw_waistband(canvas, fabric, half_width=78, top=104)
    _stitch(canvas, [(2, 128), (3, 190), (0, 246)])
    for side in SIDES:
        _stitch(canvas, facing([(52, 130), (72, 158), (92, 172)], side))
        _stitch(canvas, facing([(98, 662), (68, 668), (36, 666)], side))
        crease = limb(facing([(52, 190), (62, 400), (66, 670)], side), (1.2, 2, 1.2))
        canvas.darken(_placed(crease), 0.13, blur=2.5)


def _draw_skirt(canvas: Canvas, fabric: Fabric) -> None:
    skirt = _placed(outline(_SKIRT_SIDE, _SKIRT_HEM, mirrored(_SKIRT_SIDE)[::-1], [(-74, 150), (0, 152), (74, 150)]))
    _lay(canvas, skirt)
    canvas.paint(skirt, fabric.weave(_HIPS), shade=0.22, depth=16)
    for t in (-0.72, -0.4, -0.08, 0.26, 0.6):
        pleat = _placed(limb([(74 * t, 190), (106 * t, 380), (168 * t, 584)], (0.5, 4, 7)))
        canvas.darken(pleat, 0.2, blur=5, inside=skirt)
        canvas.darken(moved(pleat, (-13, 0)), -0.16, blur=6, inside=skirt)
    _draw_waistband(canvas, fabric, half_width=75, top=148)


def _draw_waistband(canvas: Canvas, fabric: Fabric, half_width: float, top: float) -> None:
    w = half_width
    lower_edge = [(w + 4, top + 24), (0, top + 28), (-w - 4, top + 24)]
    band = _placed(outline([(-w, top), (0, top + 3), (w, top)], lower_edge))
    canvas.darken(moved(band, (0, 3)), 0.25, blur=2)
    canvas.paint(band, shaded(fabric.colour, 0.94), shade=0.2, depth=6)
    button = _placed(blob([(-6, top + 15), (0, top + 9), (6, top + 15), (0, top + 21)]))
    canvas.paint(button, shaded(fabric.colour, 0.7), shade=0.4, depth=3)


def _lay(canvas: Canvas, *parts: Points) -> None:
    for part in parts:
        canvas.darken(moved(part, _LIFT), 0.16, blur=9)


def _stitch(canvas: Canvas, line: ArrayLike) -> None:
    canvas.darken(_placed(limb(line, (0.8, 0.8, 0.8))), 0.3, blur=0.6)


def _fold(canvas: Canvas, body: Points) -> None:
    """Cloth does not lie quite flat: a few soft valleys, and light on the chest."""
    for side in SIDES:
        for valley in _VALLEYS:
            canvas.darken(_placed(limb(facing(valley, side), (1, 5, 1))), 0.16, blur=5, inside=body)
    light = limb([(-60, 240), (-66, 330), (-52, 420)], (6, 16, 6))
    canvas.darken(_placed(light), -0.14, blur=16, inside=body)


def _placed(points: ArrayLike) -> Points:
    """From outlines around x = 0 to the sheet."""
    return moved(np.asarray(points, dtype=np.float64) * _SIZE, _PLACE)


def _flipped(placed: Points) -> Points:
    return moved(mirrored(placed), (2 * _PLACE[0], 0))


def _top_body() -> Points:
    shoulder = [(55, 155), (88, 168), (120, 184)]
    side = [(120, 184), (119, 250), (113, 330), (112, 430), (117, 530), (121, 607)]
    hem = [(121, 607), (60, 613), (0, 615), (-60, 613), (-121, 607)]
    return _placed(outline(_NECKLINE, shoulder, side, hem, mirrored(side)[::-1], mirrored(shoulder)[::-1]))


_NECKLINE = [(-55, 155), (-44, 184), (-24, 203), (0, 209), (24, 203), (44, 184), (55, 155)]
_INSIDE_BACK = [(-54, 158), (-30, 151), (0, 149), (30, 151), (54, 158), (40, 190), (0, 214), (-40, 190)]
_VALLEYS = (
    [(104, 300), (74, 342), (58, 400)],
    [(110, 470), (84, 520), (78, 590)],
    [(104, 230), (86, 262), (82, 300)],
)
_SLEEVES = {
    "tshirt": outline(
        [(112, 179), (140, 190), (160, 208), (183, 246), (207, 296)],
        [(207, 296), (180, 315), (148, 330)],
        [(148, 330), (134, 304), (117, 280)],
        [(117, 280), (108, 230), (112, 179)],
    ),
    "long_sleeve": outline(
        [(112, 179), (142, 194), (160, 226), (181, 330), (203, 450), (221, 566)],
        [(221, 566), (202, 574), (180, 575)],
        [(180, 575), (164, 460), (142, 350), (117, 276)],
        [(117, 276), (108, 230), (112, 179)],
    ),
}
_SLEEVE_LEAN = {"tshirt": 40.0, "long_sleeve": 14.0}  # degrees
_CUFFS = {
    "tshirt": [(200, 286), (174, 304), (144, 318)],
    "long_sleeve": [(217, 551), (198, 558), (181, 559)],
}
_TROUSER_LEG = outline(
    [(78, 104), (92, 170), (103, 260), (108, 400), (104, 540), (98, 676)],
    [(98, 676), (68, 682), (34, 680)],
    [(34, 680), (24, 540), (12, 400), (0, 250)],
    [(0, 250), (-2, 170), (0, 104)],
    [(0, 104), (40, 106), (78, 104)],
)
_SKIRT_SIDE = [(74, 150), (104, 250), (138, 400), (168, 560)]
_SKIRT_HEM = [(168, 560), (120, 578), (60, 584), (0, 588), (-60, 584), (-120, 578), (-168, 560)]
