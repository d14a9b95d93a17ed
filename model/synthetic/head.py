"""Heads: a friendly face and some hair."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from model.synthetic.canvas import Canvas
from model.synthetic.colour import WHITE, Colour, mix, shaded
from model.synthetic.hair import BACK, FRONT, Hair
from model.synthetic.shape import Point, Points, blob, ellipse, limb, moved, outline, rotated


@dataclass(frozen=True)
class Head:
    """How a head looks. All colours are seen in full light."""

    skin: Colour
    hair: Hair
    hair_colour: Colour
    lips: Colour = (196, 98, 92)
    beard: bool = False


class HeadPainter:
    """Paints one head; everything inside is outlined around the middle of the face."""

    def __init__(self, canvas: Canvas, head: Head, centre: Point, tilt: float) -> None:
        self.canvas, self.head, self.centre, self.tilt = canvas, head, centre, tilt

    def at(self, points: ArrayLike) -> Points:
        return moved(rotated(points, self.tilt), self.centre)

    @property
    def face(self) -> Points:
        return self.at(blob(_FACE))

    def outlines(self) -> list[Points]:
        """All that lies in front of the body: what a mask must leave alone."""
        return [self.face, *(self.at(part) for part in FRONT[self.head.hair])]

    def paint_behind(self) -> None:
        """The hair that falls behind neck and shoulders."""
        for part in BACK[self.head.hair]:
            self.canvas.paint(self.at(part), shaded(self.head.hair_colour, 0.86), shade=0.4, depth=8)
            self._strands(part, 0.10)

    def paint(self) -> None:
        skin = self.head.skin
        for side in (-1, 1):
            self.canvas.paint(
                self.at(ellipse((side * 32.5, 5), (5, 9), side * 8)), shaded(skin, 0.95), shade=0.3, depth=3
            )
        self.canvas.paint(self.face, skin, shade=0.26, depth=10)
        if self.head.beard:
            self._beard()
        self._cheeks()
        for side in (-1, 1):
            self._eye(side)
        self._nose()
        self._mouth()
        self._hair()

    def _cheeks(self) -> None:
        blush = mix(self.head.skin, (226, 92, 84), 0.5)
        for side in (-1, 1):
            spot = self.at(ellipse((side * 18.5, 17), (7, 5)))
            self.canvas.paint(spot, blush, blur=3.5, opacity=0.55, inside=self.face)

    def _eye(self, side: int) -> None:
        x, y = side * 13.2, 3.0
        lens = outline(
            [(x - 6.4, y + 0.6), (x, y - 4.0), (x + 6.4, y + 0.6)],
            [(x + 6.4, y + 0.6), (x, y + 3.8), (x - 6.4, y + 0.6)],
        )
        dark = mix(self.head.hair_colour, (38, 26, 26), 0.75)
        self.canvas.paint(self.at(lens), (252, 248, 244))
        self.canvas.paint(
            self.at(ellipse((x, y - 0.2), (3.4, 3.8))), mix(dark, (92, 60, 40), 0.4), inside=self.at(lens)
        )
        self.canvas.paint(self.at(ellipse((x, y - 0.2), (1.9, 2.1))), (26, 20, 22))
        self.canvas.paint(self.at(ellipse((x - 1.2, y - 1.5), (1.1, 1.1))), WHITE)
        lash = [(x - side * 6.2, y + 0.4), (x, y - 4.4), (x + side * 6.4, y - 0.4), (x + side * 7.6, y - 1.7)]
        self.canvas.paint(self.at(limb(lash, (0.5, 1.2, 1.1, 0.4))), (34, 24, 26))
        brow = [(x - side * 6.6, y - 10.2), (x + side * 1, y - 13.2), (x + side * 8.6, y - 9.6)]
        self.canvas.paint(self.at(limb(brow, (1.5, 1.7, 0.7))), dark, opacity=0.85)

    def _nose(self) -> None:
        bridge = self.at(limb([(2.5, -3), (4.6, 8), (5.0, 13)], (0.6, 2.0, 2.2)))
        self.canvas.darken(bridge, 0.13, blur=1.6)
        tip = self.at(limb([(-4.2, 15), (0, 17.6), (4.6, 15)], (0.4, 1.0, 0.4)))
        self.canvas.darken(tip, 0.34, blur=0.7)
        self.canvas.darken(self.at(ellipse((-0.6, 11), (1.8, 3.4))), -0.28, blur=1.8)

    def _mouth(self) -> None:
        lips = mix(self.head.lips, self.head.skin, 0.15)
        upper = outline(
            [(-10.4, 25.2), (-3.6, 24.2), (0, 25.0), (3.6, 24.2), (10.4, 25.2)], [(10.4, 25.2), (0, 29), (-10.4, 25.2)]
        )
        lower = outline(
            [(-10.4, 25.2), (0, 28.2), (10.4, 25.2)], [(10.4, 25.2), (5, 31.6), (0, 33), (-5, 31.6), (-10.4, 25.2)]
        )
        self.canvas.paint(self.at(lower), lips)
        self.canvas.paint(self.at(upper), shaded(lips, 0.84))
        smile = limb([(-11.6, 24.4), (-6, 27.4), (0, 28.6), (6, 27.4), (11.6, 24.4)], (0.4, 0.7, 0.7, 0.7, 0.4))
        self.canvas.paint(self.at(smile), shaded(lips, 0.5), opacity=0.75)
        self.canvas.darken(self.at(ellipse((-1, 30.6), (3, 1))), -0.35, blur=0.8)

    def _beard(self) -> None:
        full = outline(
            [(-32.6, 0), (-31, 20), (-25, 35), (-10, 47), (0, 48.5), (10, 47), (25, 35), (31, 20), (32.6, 0)],
            [(32.6, 0), (27, 16), (18, 21.5), (8, 20), (0, 20.6), (-8, 20), (-18, 21.5), (-27, 16), (-32.6, 0)],
        )
        self.canvas.paint(self.at(full), self.head.hair_colour, blur=0.7, opacity=0.93, shade=0.3, depth=6)

    def _hair(self) -> None:
        parts = FRONT[self.head.hair]
        for part in parts:
            self.canvas.darken(moved(self.at(part), (1.5, 4)), 0.3, blur=3, inside=self.face)
        for part in parts:
            self.canvas.paint(self.at(part), self.head.hair_colour, shade=0.34, depth=7)
            self._strands(part, 0.16)

    def _strands(self, part: Points, light: float) -> None:
        """A broad gleam, on the side of the light."""
        gleam = limb([(-25, -16), (-17, -36), (0, -46), (14, -44)], (2, 5, 5, 1))
        self.canvas.darken(self.at(gleam), -light, blur=4, inside=self.at(part))


_FACE = [
    *[(0, -44), (20, -39), (31, -20), (32.5, 4), (28, 25), (15, 41), (5, 45.4)],
    *[(-5, 45.4), (-15, 41), (-28, 25), (-32.5, 4), (-31, -20), (-20, -39)],
]
