"""How the made-up people of the warping try-on's test set stand and from where they are seen, drawn again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from model.synthetic.datasets.records import PLACES
from model.synthetic.scene.person import Person, random_person
from model.train.datasets import Example
from model.train.truth_files import truth_files

SEED = 1001
_FRONT, _SIDE = 15, 58  # degrees from straight in front: from below the first, between both, from above the second


@cache
def person(number: int) -> Person:
    """Who is seen in the twos of examples of that number."""
    rng = np.random.default_rng([SEED, number])
    place = list(PLACES)[rng.choice(len(PLACES), p=list(PLACES.values()))]
    return random_person(rng, place)


def kind(example: Example) -> str:
    """Of garment."""
    return truth_files(example).category


def view(example: Example) -> str:
    """From where."""
    azimuth = abs(_of(example).shot.azimuth)
    if azimuth < _FRONT:
        return "from the front"
    return "from three quarters" if azimuth < _SIDE else "from the side"


def pose(example: Example) -> str:
    """What the arms do."""
    turns = _of(example).pose
    if any(turns[f"{side}_elbow"][2] for side in ("left", "right")):
        return "a hand on the hip"
    if {"left_knee", "right_knee"} <= turns.keys():
        return "walking"
    return "arms hanging" if "left_collar" in turns else "arms away"


SORTS: Mapping[str, Callable[[Example], str]] = {"kind of garment": kind, "view": view, "pose": pose}


def _of(example: Example) -> Person:
    return person(int(example.person.stem.partition("_")[0]) // 2)
