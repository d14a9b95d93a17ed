"""What is behind a person: walls, a floor and blurred furniture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model.clothes.arrays import Values
from model.synthetic.fabrics.brush import edge, mixed, over
from model.synthetic.fabrics.cloth_colours import Colour
from model.synthetic.scene.furniture import Furniture, cover, quiet_colour, random_furniture

_FEWEST_PIXELS, _LARGEST_STEP = 96, 5  # it is painted smaller, for everything in it is blurred anyway
_NOISE = 0.006  # of 0..1, its deviation: a level or two, as cameras have it


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
    furniture: tuple[Furniture, ...]
    glow: float
    vignette: float
    seed: int


def random_room(rng: np.random.Generator) -> Room:
    """A studio, a two-tone wall or a furnished room, in quiet colours."""
    wall = quiet_colour(rng)
    furnished = rng.uniform() < 0.55
    two_tone = rng.uniform() < 0.3
    furniture = tuple(random_furniture(rng, wall) for _ in range(rng.integers(1, 5))) if furnished else ()
    wooden = rng.uniform() < 0.6
    ground = mixed(wall, (0.35, 0.27, 0.20), rng.uniform(0.2, 0.7)) if wooden else mixed(wall, (1, 1, 1), 0.3)
    return Room(
        wall,
        quiet_colour(rng) if two_tone else wall,
        rng.uniform(0.45, 0.7) if two_tone else 1.0,
        ground,
        rng.uniform(0.03, 0.14),
        furniture,
        rng.uniform(0, 1),
        rng.uniform(0.0, 0.2),
        int(rng.integers(1 << 31)),
    )


def paint_room(room: Room, height: int, width: int, feet: float | None = None) -> Values:
    """sRGB, (H, W, 3).

    Args:
        feet: how far down the picture somebody stands, 0..1; None if no ground is in the picture.
    """
    longest = max(height, width)
    small = min(1.0, max(_FEWEST_PIXELS, longest / _LARGEST_STEP) / longest)
    rows, columns = max(round(height * small), 1), max(round(width * small), 1)
    y = np.repeat((np.arange(rows, dtype=np.float32) + 0.5) / rows, columns)
    x = np.tile((np.arange(columns, dtype=np.float32) + 0.5) / columns, rows)
    pixel = 1 / rows
    lower = edge(y - np.float32(room.divide), pixel)
    colours = over(np.asarray(room.wall, np.float32), room.lower_wall, lower)
    for thing in room.furniture:
        colours = over(colours, thing.colour, cover(thing, x, y, columns / rows))
    glow = np.exp(-((x - np.float32(room.glow)) ** 2 * 2 + (y - np.float32(0.3)) ** 2))
    colours = colours * (np.float32(0.90) + np.float32(0.12) * glow)[:, None]
    if feet is not None:
        wall_end = np.float32(feet - room.floor)
        ground = over(np.zeros(3, np.float32), room.ground, np.float32(0.85) + np.float32(0.3) * (y - wall_end))
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
