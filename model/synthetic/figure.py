"""A whole person on a canvas, from the back to the front."""

from __future__ import annotations

from model.synthetic.body import SIDES, Body
from model.synthetic.canvas import Canvas
from model.synthetic.colour import mix, shaded
from model.synthetic.head import HeadPainter
from model.synthetic.look import Look
from model.synthetic.scene import paint_ground_shadow, paint_scene
from model.synthetic.shape import facing, limb, moved
from model.synthetic.worn import WornTop, hips, paint_skirt, paint_trousers


class Figure:
    """One person, about to be painted."""

    def __init__(self, canvas: Canvas, look: Look) -> None:
        self.canvas, self.look = canvas, look
        self.in_skirt = look.bottom.cut == "skirt"
        self.body = Body(look.build, look.pose)
        self.head = HeadPainter(canvas, look.head, self.body.head, look.pose.tilt)
        self.top = WornTop(canvas, self.body, look.top, tucked=self.in_skirt)

    def paint(self) -> None:
        paint_scene(self.canvas, self.look.scene)
        paint_ground_shadow(self.canvas)
        self.head.paint_behind()
        self._dress()
        for side in SIDES:
            self._arm(side)
            self.top.paint_sleeve(side)
        self.top.paint_collar()
        self._neck()
        self.head.paint()

    def _dress(self) -> None:
        """Legs, shoes, and what is worn over them; a skirt goes over the top, a top over trousers."""
        if self.in_skirt:
            for leg in self.body.bare_legs():
                self.canvas.paint(leg, self.look.head.skin, shade=0.3, depth=8)
        for side in SIDES:
            self._shoe(side)
        if self.in_skirt:
            self.top.paint_torso()
            paint_skirt(self.canvas, self.body, self.look.bottom)
        else:
            paint_trousers(self.canvas, self.body, self.look.bottom)
            self.canvas.darken(moved(self.top.torso, (2, 7)), 0.32, blur=5, inside=hips(self.body))
            self.top.paint_torso()

    def _shoe(self, side: int) -> None:
        colour, at = self.look.shoes, self.body.ankle(side)
        self.canvas.paint(self.body.shoe(side), colour, shade=0.35, depth=7)
        sole = limb(moved(facing([(-8, 31), (5, 32.5), (17, 29.5)], side), at), (3.0, 3.2, 3.0))
        self.canvas.paint(sole, (250, 248, 244), shade=0.3, depth=3)
        for row in range(3):
            line = [(-3 + row, 5 + 6 * row), (7 + row, 4 + 6 * row)]
            lace = limb(moved(facing(line, side), at), (0.9, 0.9))
            self.canvas.paint(lace, shaded(mix(colour, (255, 255, 255), 0.7), 0.93))

    def _arm(self, side: int) -> None:
        skin, arm = self.look.head.skin, self.body.arm(side)
        palm, thumb = self.body.hand(side)
        self.canvas.darken(moved(arm, (3, 4)), 0.22, blur=5, inside=self.top.torso)
        self.canvas.darken(moved(palm, (3, 4)), 0.25, blur=4, inside=hips(self.body))
        self.canvas.paint(arm, skin, shade=0.3, depth=7)
        self.canvas.paint(thumb, skin, shade=0.2, depth=3)
        self.canvas.paint(palm, skin, shade=0.25, depth=5)
        for line in self.body.fingers(side):
            self.canvas.darken(line, 0.2, blur=0.5, inside=palm)

    def _neck(self) -> None:
        neck = self.body.neck()
        self.canvas.paint(neck, self.look.head.skin, shade=0.2, depth=8)
        self.canvas.darken(moved(self.head.face, (3, 13)), 0.38, blur=4, inside=neck)
        for side in SIDES:
            collarbone = limb(moved(facing([(6, 191), (15, 186), (26, 184)], side), (288, 0)), (1, 1.2, 0.5))
            self.canvas.darken(collarbone, 0.16, blur=1.4, inside=neck)
