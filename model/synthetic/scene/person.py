"""Made-up people: shape, looks, clothes and pose, and the room, light and camera of a photo of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.clothes.cut import GarmentPlace
from model.clothes.poses import JointTurns
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.people.looks import Look, random_look
from model.synthetic.people.poses import random_pose
from model.synthetic.scene.light import Light, random_light
from model.synthetic.scene.rooms import Room, random_room
from model.synthetic.scene.shots import Shot, random_shot

_SHAPES = 10  # coefficients of the body's shape
_SHAPE_SPREAD, _SHAPE_LIMIT = 0.8, 1.6  # of betas, so that nobody is extreme
# A photo that shows this garment well goes from here to there in the height: least and most for either end.
_FRAMES: dict[GarmentPlace, tuple[tuple[float, float], tuple[float, float]]] = {
    "upper": ((0.28, 0.48), (1.03, 1.03)),
    "lower": ((-0.03, -0.03), (0.66, 1.03)),
    "dress": ((-0.03, 0.12), (1.03, 1.03)),
}
_WHOLE = 0.25  # share of photos that show everything


@dataclass(frozen=True)
class Person:
    """Somebody as one photo shows them. betas: shape, (10,). garments: by place; a dress comes alone."""

    betas: NDArray[np.float32]
    pose: JointTurns
    look: Look
    garments: Mapping[GarmentPlace, Garment]
    shot: Shot
    room: Room
    light: Light

    def wearing(self, garment: Garment) -> Person:
        """The same in another garment of the same place."""
        return replace(self, garments={**self.garments, garment.place: garment})


def random_person(rng: np.random.Generator, place: GarmentPlace) -> Person:
    """Anybody, seen so that a garment of this place fills the photo."""
    betas = (_SHAPE_SPREAD * rng.normal(size=_SHAPES)).clip(-_SHAPE_LIMIT, _SHAPE_LIMIT)
    places: tuple[GarmentPlace, ...] = ("dress",) if place == "dress" else ("upper", "lower")
    bottom, top = _FRAMES["dress"] if rng.uniform() < _WHOLE else _FRAMES[place]
    return Person(
        betas.astype(np.float32),
        random_pose(rng),
        random_look(rng),
        {place: random_garment(rng, place) for place in places},
        random_shot(rng, rng.uniform(*bottom), rng.uniform(*top)),
        random_room(rng),
        random_light(rng),
    )
