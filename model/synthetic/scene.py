"""The room people stand in: a wall, a floor and one thing to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.synthetic.canvas import Array, Canvas, Weave
from model.synthetic.colour import Colour
from model.synthetic.shape import Points, ellipse, limb

Motif = Literal["arch", "sun", "leaves", "window"]
_FLOOR_Y = 634.0


@dataclass(frozen=True)
class Scene:
    wall: Colour
    floor: Colour
    motif: Motif
    motif_colour: Colour


def paint_scene(canvas: Canvas, scene: Scene) -> None:
    """Wall, motif and floor, over the whole canvas."""
    everywhere = ellipse((288, 384), (4000, 4000))
    canvas.paint(everywhere, _lit(scene.wall))
    _MOTIFS[scene.motif](canvas, scene.motif_colour)
    floor = np.array([(-4000, _FLOOR_Y), (4000, _FLOOR_Y), (4000, 4000), (-4000, 4000)], dtype=np.float64)
    canvas.paint(floor, scene.floor)
    canvas.darken(limb([(-4000, _FLOOR_Y + 1), (4000, _FLOOR_Y + 1)], (1, 1)), 0.10, blur=2)
    canvas.darken(limb([(-600, 790), (1200, 790)], (40, 40)), 0.10, blur=30)


def paint_ground_shadow(canvas: Canvas) -> None:
    canvas.darken(ellipse((298, 727), (92, 15)), 0.20, blur=9)
    canvas.darken(ellipse((291, 727), (60, 8)), 0.30, blur=5)


def _lit(colour: Colour) -> Weave:
    """Brighter where the light comes from."""

    def colours(x: Array, y: Array, pixel: float) -> Array:
        light = 1.05 - 0.16 * np.clip(np.hypot(x - 150, y - 180) / 720, 0, 1)
        return (np.asarray(colour, dtype=np.float32) * light[..., None]).astype(np.float32)

    return colours


def _arch(canvas: Canvas, colour: Colour) -> None:
    turn = np.linspace(np.pi, 2 * np.pi, 60)
    top = np.stack([288 + 186 * np.cos(turn), 252 + 186 * np.sin(turn)], axis=1)
    arch: Points = np.concatenate([[(102, 700)], top, [(474, 700)]])
    canvas.paint(arch, colour, shade=0.10, depth=30)


def _sun(canvas: Canvas, colour: Colour) -> None:
    canvas.paint(ellipse((288, 262), (206, 206)), colour, shade=0.08, depth=40)


def _leaves(canvas: Canvas, colour: Colour) -> None:
    for x, bend, height in [
        (62, -46, 330),
        (92, 26, 420),
        (40, 64, 250),
        (520, 44, 390),
        (488, -30, 300),
        (546, -56, 230),
    ]:
        stem = [(x, 700), (x + 0.3 * bend, 700 - 0.5 * height), (x + bend, 700 - height)]
        leaf = limb(stem, (3, 18, 26, 19, 1))
        canvas.paint(leaf, colour, shade=0.28, depth=12)
        canvas.darken(limb(stem, (1, 1, 0.4)), 0.18, blur=0.8)


def _window(canvas: Canvas, colour: Colour) -> None:
    for column in range(2):
        for row in range(3):
            x, y = 96 + 206 * column, 70 + 178 * row
            pane = np.array([(x, y), (x + 190, y + 34), (x + 190, y + 196), (x, y + 162)], dtype=np.float64)
            canvas.paint(pane, colour, blur=3, opacity=0.9)


_MOTIFS = {"arch": _arch, "sun": _sun, "leaves": _leaves, "window": _window}
