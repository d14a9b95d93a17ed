"""What is behind a person: walls, a floor, and blurred things that are nobody's business."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from model.synthetic.brush import Values, edge, mixed, over
from model.synthetic.cloth_colours import Colour

_LONGEST_SIDE = 160  # pixels in which it is painted: everything in it is blurred anyway
_NOISE = 0.006

ShapeKind = Literal["window", "arch", "plant", "shelf", "frame", "lamp"]


@dataclass(frozen=True)
class Blurred:
    """Something out of focus. x, y: its middle, in widths and heights of the picture; size: in heights."""

    kind: ShapeKind
    colour: Colour
    x: float
    y: float
    size: float
    blur: float


@dataclass(frozen=True)
class Room:
    """wall, lower_wall: sRGB; the wall changes at height `divide` (0 top .. 1 bottom) if that is above the floor.

    floor: where the wall ends when the ground is seen, in heights above the feet.
    vignette: how much darker the corners are. glow: where on the wall light falls, in widths.
    """

    wall: Colour
    lower_wall: Colour
    divide: float
    ground: Colour
    floor: float
    shapes: tuple[Blurred, ...]
    glow: float
    vignette: float
    seed: int


_KINDS: tuple[ShapeKind, ...] = ("window", "arch", "plant", "shelf", "frame", "lamp")


def random_room(rng: np.random.Generator) -> Room:
    """A studio, a two-tone wall or a furnished room, in quiet colours."""
    wall = _quiet(rng)
    furnished = rng.uniform() < 0.55
    two_tone = rng.uniform() < 0.3
    shapes = tuple(_random_shape(rng, wall) for _ in range(rng.integers(1, 5))) if furnished else ()
    ground = (
        mixed(wall, (0.35, 0.27, 0.20), rng.uniform(0.2, 0.7)) if rng.uniform() < 0.6 else mixed(wall, (1, 1, 1), 0.3)
    )
    return Room(
        wall,
        _quiet(rng) if two_tone else wall,
        rng.uniform(0.45, 0.7) if two_tone else 1.0,
        ground,
        rng.uniform(0.03, 0.14),
        shapes,
        rng.uniform(0, 1),
        rng.uniform(0.0, 0.2),
        int(rng.integers(1 << 31)),
    )


def paint_room(room: Room, height: int, width: int, feet: float | None = None) -> Values:
    """sRGB, (H, W, 3).

    Args:
        feet: how far down the picture somebody stands, 0..1; None if no ground is in the picture.
    """
    small = min(1.0, _LONGEST_SIDE / max(height, width))
    rows, columns = max(round(height * small), 1), max(round(width * small), 1)
    y = np.repeat((np.arange(rows, dtype=np.float32) + 0.5) / rows, columns)
    x = np.tile((np.arange(columns, dtype=np.float32) + 0.5) / columns, rows)
    pixel = 1 / rows
    colours = over(np.asarray(room.wall, np.float32), room.lower_wall, edge(y - np.float32(room.divide), pixel))
    for shape in room.shapes:
        colours = over(colours, shape.colour, _shape(shape, x, y, columns / rows))
    glow = np.exp(-((x - np.float32(room.glow)) ** 2 * 2 + (y - np.float32(0.3)) ** 2))
    colours = colours * (np.float32(0.90) + np.float32(0.12) * glow)[:, None]
    if feet is not None:
        wall_end = np.float32(feet - room.floor)
        ground = np.asarray(room.ground, np.float32) * (0.85 + 0.3 * np.clip(y - wall_end, 0, 1))[:, None]
        colours = colours * (1 - 0.15 * np.exp(-np.abs(y - wall_end) / np.float32(0.02)))[:, None]
        colours = over(colours, ground, edge(y - wall_end, 2 * pixel))
    corners = (x - np.float32(0.5)) ** 2 + (y - np.float32(0.5)) ** 2
    picture = (colours * (1 - np.float32(room.vignette) * corners)[:, None]).reshape(rows, columns, 3)
    if (rows, columns) != (height, width):
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR))
    grain = np.random.default_rng(room.seed).standard_normal((height, width, 1), np.float32)
    return np.clip(picture + np.float32(_NOISE) * grain, 0, 1)


def contact_shadow(picture: Values, x: float, y: float, radius: float) -> Values:
    """The picture, (H, W, 3), darker around feet at pixel x, y, their shadow `radius` pixels wide to a side."""
    height, width = picture.shape[:2]
    top, bottom = max(int(y - radius), 0), min(int(y + radius) + 1, height)
    rows = ((np.arange(top, bottom, dtype=np.float32) + 0.5 - y) / np.float32(0.3 * radius))[:, None]
    columns = ((np.arange(width, dtype=np.float32) + 0.5 - x) / np.float32(radius))[None]
    shade = 1 - np.float32(0.42) * np.exp(-(rows**2) - columns**2)
    shadowed = picture.copy()
    shadowed[top:bottom] *= shade[..., None]
    return shadowed


def _quiet(rng: np.random.Generator) -> Colour:
    """A wall's colour: little saturated, seldom dark."""
    value = rng.uniform(0.72, 0.96) if rng.uniform() < 0.8 else rng.uniform(0.30, 0.65)
    r, g, b = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.0, 0.25), value)
    return r, g, b


def _random_shape(rng: np.random.Generator, wall: Colour) -> Blurred:
    kind = _KINDS[rng.integers(len(_KINDS))]
    own: dict[ShapeKind, Colour] = {
        "window": (0.97, 0.98, 0.99),
        "plant": (rng.uniform(0.2, 0.4), rng.uniform(0.38, 0.55), rng.uniform(0.2, 0.35)),
        "lamp": (1.0, 0.93, 0.78),
        "shelf": (0.55, 0.42, 0.30),
    }
    colour = own.get(kind, mixed(wall, _quiet(rng), 0.8))
    side = rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.7, 1.0)])
    size = rng.uniform(0.10, 0.28)
    return Blurred(kind, colour, side, rng.uniform(0.15, 0.6), size, rng.uniform(0.01, 0.04))


def _shape(shape: Blurred, x: Values, y: Values, aspect: float) -> Values:
    """(N,) how much of it covers each point."""
    dx, dy = (x - np.float32(shape.x)) * np.float32(aspect), y - np.float32(shape.y)
    size = np.float32(shape.size)
    if shape.kind == "window":
        pane = np.minimum(0.7 * size - np.abs(dx), size - np.abs(dy))
        inside = np.minimum(pane, np.maximum(np.abs(dx), np.abs(dy + 0.2 * size)) - 0.05 * size)
    elif shape.kind == "arch":
        inside = 0.7 * size - np.hypot(dx, np.minimum(dy, 0))
    elif shape.kind == "plant":
        angle = np.arctan2(dx, -dy)
        leaves = size * (0.65 + 0.35 * np.cos(7 * angle + 1)) * (1 - 0.45 * np.abs(angle) / np.pi)
        pot = np.minimum(0.22 * size - np.abs(dx), np.minimum(dy, 0.9 * size - dy))
        inside = np.maximum(leaves - np.hypot(dx, dy), pot)
    elif shape.kind == "shelf":
        board = 0.06 * size - np.abs((dy / size + 1) % np.float32(0.7) - np.float32(0.35)) * size
        inside = np.minimum(np.minimum(board, size - np.abs(dx)), size - np.abs(dy))
    elif shape.kind == "frame":
        inside = np.minimum(0.5 * size - np.abs(dx), 0.65 * size - np.abs(dy))
    else:
        inside = size * 0.35 - np.hypot(dx, dy)
    return edge(inside, 2 * np.float32(shape.blur))
