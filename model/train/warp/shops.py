"""Garments as shops sell them, more of what the usual draw has few of, and as they lay them for a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.clothes.cut import Cut, GarmentPlace
from model.clothes.poses import JointTurns, laid_pose
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.scene.photos import LONG_SLEEVE

# Made up after shops' pictures: sleeves to the wrist, hems at the waist, wide knits.
_SHARE_LONG, _LENGTHS = 0.3, (0.6, 0.67)  # of tops that are made long-sleeved, |x| where their sleeves end
_SHARE_CROPPED, _HEMS, _LOOSENESS = 0.4, (-0.04, 0.07), (0.008, 0.03)  # metres, of the body's template
# Angles in radians: down from straight out, forward over the trunk, at the elbow.
_SHORT_DOWN, _FORWARD, _BEND = (0.35, 1.0), (0.1, 0.4), (0.0, 0.9)
_SPREAD, _BESIDE, _OVER = (0.8, 1.15), (1.15, 1.5), (1.2, 1.6)  # down, of the three ways that long sleeves lie
_LONG_SHARES = 0.25, 0.45, 0.3  # of long sleeves that lie in each of these ways


def shop_garment(rng: np.random.Generator, place: GarmentPlace) -> Garment:
    """Any garment for that place; tops are long-sleeved or end at the waist more often than not."""
    garment = random_garment(rng, place)
    if place != "upper":
        return garment
    if rng.uniform() < _SHARE_LONG:
        garment = replace(garment, kind="long_sleeve", sleeve=rng.uniform(*_LENGTHS))
    if rng.uniform() < _SHARE_CROPPED:
        garment = replace(garment, hem=rng.uniform(*_HEMS), looseness=rng.uniform(*_LOOSENESS))
    return garment


def shop_pose(rng: np.random.Generator, garment: Cut) -> JointTurns:
    """Sleeves spread, close beside the trunk, or folded over it."""
    if garment.sleeve <= LONG_SLEEVE:
        return laid_pose(rng.uniform(*_SHORT_DOWN))
    way = rng.choice(3, p=_LONG_SHARES)
    if way < 2:
        return laid_pose(rng.uniform(*(_SPREAD, _BESIDE)[way]))
    return laid_pose(rng.uniform(*_OVER), rng.uniform(*_FORWARD), rng.uniform(*_BEND))
