"""Things in a room, out of focus."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.clothes.arrays import Values
from model.synthetic.fabrics.brush import edge, mixed
from model.synthetic.fabrics.cloth_colours import Colour

_LEAVES = (-0.55, -0.28, -0.05, 0.2, 0.5)  # how far each leans

FurnitureKind = Literal["window", "arch", "plant", "shelf", "frame", "lamp"]


@dataclass(frozen=True)
class Furniture:
    """Something out of focus. x, y: its middle, in widths and heights of the picture; size: in heights."""

    kind: FurnitureKind
    colour: Colour
    x: float
    y: float
    size: float
    blur: float


_KINDS: tuple[FurnitureKind, ...] = ("window", "arch", "plant", "shelf", "frame", "lamp")


def random_furniture(rng: np.random.Generator, wall: Colour) -> Furniture:
    """Anything, beside the middle of the picture, so that it shows past a person."""
    kind = _KINDS[rng.integers(len(_KINDS))]
    own: dict[FurnitureKind, Colour] = {
        "window": (0.97, 0.98, 0.99),
        "plant": (rng.uniform(0.2, 0.4), rng.uniform(0.38, 0.55), rng.uniform(0.2, 0.35)),
        "lamp": (1.0, 0.93, 0.78),
        "shelf": (0.55, 0.42, 0.30),
    }
    colour = own.get(kind, mixed(wall, quiet_colour(rng), 0.8))
    side = rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.7, 1.0)])
    size = rng.uniform(0.10, 0.28)
    return Furniture(kind, colour, side, rng.uniform(0.15, 0.6), size, rng.uniform(0.015, 0.05))


def cover(thing: Furniture, x: Values, y: Values, aspect: float) -> Values:
    """(N,) how much of each point it covers. x, y: (N,), in widths and heights of a picture; aspect: of its sides."""
    dx, dy = (x - np.float32(thing.x)) * np.float32(aspect), y - np.float32(thing.y)
    size = np.float32(thing.size)
    if thing.kind == "window":
        pane = np.minimum(0.7 * size - np.abs(dx), size - np.abs(dy))
        bars = np.minimum(np.abs(dx), np.abs(dy + 0.2 * size)) - 0.05 * size
        inside = np.minimum(pane, bars)
    elif thing.kind == "arch":
        inside = 0.7 * size - np.hypot(dx, np.minimum(dy, 0))
    elif thing.kind == "plant":
        up = np.clip(-dy / size, 0, 1)
        blade = size * (np.float32(0.13) - np.float32(0.11) * up * up)
        leaves = [blade - np.abs(dx - size * lean * up * up) for lean in _LEAVES]
        leaves = np.minimum(np.maximum.reduce(leaves), np.minimum(size + dy, -dy))
        pot = np.minimum(0.3 * size - np.abs(dx) - 0.15 * dy, np.minimum(dy, 0.55 * size - dy))
        inside = np.maximum(leaves, pot)
    elif thing.kind == "shelf":
        board = 0.06 * size - np.abs((dy / size + 1) % np.float32(0.7) - np.float32(0.35)) * size
        inside = np.minimum(np.minimum(board, size - np.abs(dx)), size - np.abs(dy))
    elif thing.kind == "frame":
        inside = np.minimum(0.5 * size - np.abs(dx), 0.65 * size - np.abs(dy))
    else:
        inside = size * 0.35 - np.hypot(dx, dy)
    return edge(inside, 2 * thing.blur)


def quiet_colour(rng: np.random.Generator) -> Colour:
    """A wall's colour: little saturated, seldom dark."""
    value = rng.uniform(0.72, 0.96) if rng.uniform() < 0.8 else rng.uniform(0.30, 0.65)
    r, g, b = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.0, 0.25), value)
    return r, g, b
