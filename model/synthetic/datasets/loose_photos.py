"""Photos of one person as somebody might have on the phone: from any side, whole or cropped, here and there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.clothes.arrays import Values
from model.synthetic.fabrics.cloth_colours import Colour
from model.synthetic.people.poses import random_pose
from model.synthetic.scene.composition import levels, paint, paint_person
from model.synthetic.scene.light import random_light
from model.synthetic.scene.person import Person, random_person
from model.synthetic.scene.photos import Scene
from model.synthetic.scene.rooms import random_room
from model.synthetic.scene.shots import Shot

_DRESSES = 0.3  # share of people who wear one
_WALLS: tuple[Colour, ...] = (  # pale, as walls are painted
    (0.86, 0.84, 0.80),
    (0.72, 0.80, 0.84),
    (0.83, 0.76, 0.72),
    (0.70, 0.77, 0.70),
    (0.74, 0.72, 0.80),
)

# A collection has them in this order; the first alone shows all of the front.
_SHOTS = (
    Shot(0, 4, -0.04, 1.08),
    Shot(180, 4, -0.04, 1.08),
    Shot(35, 6, 0.45, 1.08),
    Shot(-80, 3, -0.04, 1.08),
    Shot(-30, 2, -0.04, 1.08),
    Shot(150, 5, 0.30, 1.08),
    Shot(75, 3, -0.04, 0.62),
    Shot(-10, 2, 0.62, 1.08),
)
_TURN, _FARTHER, _ASIDE = 8.0, 0.08, 0.04  # up to which shots differ: degrees, shares of the height, of the width


def loose_photos(
    seed: int, count: int = 6, width: int = 384, height: int = 512, *, furnished: bool = False
) -> list[Image.Image]:
    """RGBA photos of one person: what is behind them in the colours too, their true outline in alpha.

    Converted to RGB they are plain photos. Clothes, hair and shoes stay; pose, side, distance, place and light change.
    From the ninth on the kinds of shot come again, in other poses.

    Args:
        furnished: in rooms of all kinds; else before an even wall, which the demo pack's matting can tell from people.
    """
    return [_photo(moment(seed, i), width, height, furnished=furnished) for i in range(count)]


def somebody(seed: int) -> Person:
    """Whose photos they are."""
    rng = np.random.default_rng(seed)
    return random_person(rng, "dress" if rng.uniform() < _DRESSES else "upper")


def moment(seed: int, number: int) -> Person:
    """The same person on their photo of this number."""
    rng = np.random.default_rng([seed, 1, number])
    kind = _SHOTS[number % len(_SHOTS)]
    shot = replace(
        kind,
        azimuth=kind.azimuth + rng.uniform(-_TURN, _TURN),
        bottom=kind.bottom - rng.uniform(0, _FARTHER),
        aside=rng.uniform(-_ASIDE, _ASIDE),
    )
    return replace(somebody(seed), pose=random_pose(rng), shot=shot, room=random_room(rng), light=random_light(rng))


def _photo(person: Person, width: int, height: int, *, furnished: bool) -> Image.Image:
    buffers = Scene(person, width, height).buffers
    garments = person.garments.values()
    if furnished:
        colours, alpha = paint(buffers, person.look, garments, person.room, person.light)
    else:
        alone = paint_person(buffers, person.look, garments, person.light)
        colours, alpha = _before_a_wall(alone, _WALLS[person.room.seed % len(_WALLS)])
    return Image.fromarray(np.dstack([colours, alpha]), "RGBA")


def _before_a_wall(person: Values, wall: Colour) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The photo, (H, W, 3), and the alpha, (H, W): a wall of one colour, darker downwards. person: premultiplied."""
    dimming = np.linspace(1.04, 0.82, len(person), dtype=np.float32)[:, None, None]
    behind = np.asarray(wall, np.float32) * dimming
    return levels(person[..., :3] + (1 - person[..., 3:]) * behind), levels(person[..., 3])
