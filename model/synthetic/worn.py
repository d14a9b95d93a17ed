"""Garments as they are worn: cloth around a body."""

from __future__ import annotations

import numpy as np

from model.synthetic.body import SIDES, Body
from model.synthetic.canvas import Canvas, Weave
from model.synthetic.colour import shaded
from model.synthetic.garment import Garment
from model.synthetic.shape import Point, Points, facing, limb, mirrored, moved, outline

SCALE = 0.42  # a pattern is this much smaller on a person than on the flat garment
UNTUCKED_HEM, TUCKED_HEM = 386.0, 326.0  # y on the sheet


class WornTop:
    """A t-shirt or long sleeve on a body."""

    def __init__(self, canvas: Canvas, body: Body, garment: Garment, *, tucked: bool) -> None:
        self.canvas, self.body, self.fabric = canvas, body, garment.fabric
        self.long = garment.cut == "long_sleeve"
        self.hem = TUCKED_HEM if tucked else UNTUCKED_HEM
        self.torso = body.torso(3.0 if tucked else 4.5, self.hem)
        self.cloth = self.fabric.weave((body.chest[0], 262), scale=SCALE)

    def paint_torso(self) -> None:
        self.canvas.paint(self.torso, self.cloth, shade=0.3, depth=14)
        for side in SIDES:
            self._folds(side)
        light = limb([(256, 215), (250, 250), (258, 285)], (4, 12, 4))
        self.canvas.darken(light, -0.13, blur=12, inside=self.torso)
        y = self.hem - 5
        seam = limb([(200, y), (self.body.hips[0], y + 6), (376, y)], (0.7, 0.7, 0.7))
        self.canvas.darken(seam, 0.28, blur=0.6, inside=self.torso)

    def paint_sleeve(self, side: int) -> None:
        sleeve = self.body.sleeve(side, 0.97 if self.long else 0.40)
        self.canvas.darken(moved(sleeve, (1.5, 4)), 0.3, blur=3, inside=self.body.arm(side))
        self.canvas.paint(sleeve, self._sleeve_cloth(side), shade=0.3, depth=7)
        self._join(side)

    def paint_collar(self) -> None:
        rib = limb(self.body.neckline(), (3.4,) * 7)
        self.canvas.darken(moved(rib, (0.5, 2.5)), 0.25, blur=2)
        self.canvas.paint(rib, shaded(self.fabric.colour, 0.93), shade=0.2, depth=3)

    def _sleeve_cloth(self, side: int) -> Weave:
        shoulder, _, elbow, *_ = self.body.arm_joints(side)
        way = elbow - shoulder
        lean = float(np.degrees(np.arctan2(-way[0], way[1])))
        origin: Point = (float(shoulder[0]), float(shoulder[1]) + 40)
        return self.fabric.for_sleeves().weave(origin, lean, SCALE)

    def _join(self, side: int) -> None:
        """Let the sleeve grow out of the shoulder instead of lying on it."""
        x, y = self.body.shoulder(side)
        yoke = limb([(x - side * 16, y - 40), (x - side * 17, y + 10), (x - side * 20, y + 60)], (8, 9, 4))
        self.canvas.paint(yoke, self.cloth, inside=self.torso, blur=3.5)
        seam = limb([(x - side * 2, y - 14), (x - side * 6, y + 8), (x - side * 3, y + 30)], (0.6, 0.7, 0.6))
        self.canvas.darken(seam, 0.22, blur=0.7, inside=self.torso)

    def _folds(self, side: int) -> None:
        b, x = self.body.build, self.body.chest[0]
        from_armpit = [(b.chest - 2, 236), (b.chest - 18, 248), (b.chest - 30, 252)]
        from_waist = [(b.waist + 4, 302), (b.waist - 14, 313), (12, 318)]
        for fold in (from_armpit, from_waist):
            valley = limb(moved(facing(fold, side), (x, 0)), (1, 3, 0.5))
            self.canvas.darken(valley, 0.13, blur=4, inside=self.torso)


def paint_trousers(canvas: Canvas, body: Body, garment: Garment) -> None:
    cloth = garment.fabric.weave((float(body.hips[0]), 380.0), scale=SCALE)
    for side, leg in zip(SIDES, trouser_legs(body), strict=True):
        canvas.paint(leg, cloth, shade=0.34, depth=11)
        fold = limb(moved([(-12, -24), (0, -18), (11, -22)], body.ankle(side)), (0.5, 2, 0.5))
        canvas.darken(fold, 0.2, blur=2.5, inside=leg)
        seam = limb(moved([(-22, -16), (22, -16)], body.ankle(side)), (0.6, 0.6))
        canvas.darken(seam, 0.25, blur=0.6, inside=leg)
    canvas.paint(hips(body), cloth, shade=0.2, depth=11)
    fly = limb([moved(body.hips, (0, 10)), moved(body.hips, (1, 48))], (0.8, 1.6))
    canvas.darken(fly, 0.35, blur=1.2)


def trouser_legs(body: Body) -> list[Points]:
    return body.legs(30, 21.5, 16, length=0.985)


def hips(body: Body) -> Points:
    """What trousers cover between the waist and the legs."""
    x, w = float(body.hips[0]), body.build.hip
    return outline(
        [(x - w + 5, 340), (x + w - 5, 340)],
        [(x + w - 5, 340), (x + w, 356), (x + w + 1.5, 376)],
        [(x + w + 1.5, 376), (x + 18, 398), (x, 404), (x - 18, 398), (x - w - 1.5, 376)],
        [(x - w - 1.5, 376), (x - w, 356), (x - w + 5, 340)],
    )


def paint_skirt(canvas: Canvas, body: Body, garment: Garment) -> None:
    x, w = float(body.hips[0]), body.build.waist + 6
    shape = skirt(body)
    for leg in body.bare_legs():
        canvas.darken(moved(shape, (2, 9)), 0.35, blur=5, inside=leg)
    canvas.paint(shape, garment.fabric.weave((x, 400.0), scale=SCALE * 1.2), shade=0.34, depth=14)
    for t in (-0.75, -0.42, -0.1, 0.25, 0.6):
        pleat = limb([(x + w * t, 345), (x + (w + 24) * t, 440), (x + (w + 48) * t, 558)], (0.5, 3, 5))
        canvas.darken(pleat, 0.2, blur=4, inside=shape)
        canvas.darken(moved(pleat, (-9, 0)), -0.12, blur=4, inside=shape)
    top = [(x - w - 4, 317), (x, 321), (x + w + 4, 317)]
    band = outline(top, [(x + w + 6, 331), (x, 335), (x - w - 6, 331)])
    canvas.paint(band, shaded(garment.fabric.colour, 0.93), shade=0.25, depth=6)


def skirt(body: Body) -> Points:
    w = body.build.waist + 6
    side = np.array([(w + 4, 318), (w + 20, 372), (w + 36, 450), (w + 48, 548)])
    hem = [(w + 48, 548), (0, 560), (-w - 48, 548)]
    waist = [(-w - 4, 318), (0, 322), (w + 4, 318)]
    return moved(outline(side, hem, mirrored(side[::-1]), waist), (body.hips[0], 0))
