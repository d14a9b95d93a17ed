"""Garments: a cut, and the cloth it is made of."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from model.clothes.cut import SHOULDER, Cut, GarmentKind, GarmentPlace
from model.synthetic.fabrics.cloth_colours import Colour, random_colour
from model.synthetic.fabrics.fabrics import Fabric, random_fabric


@dataclass(frozen=True)
class Garment(Cut):
    """One piece of clothing.

    fabric: of all of it; trim: the colour of ribs and bands where `ribbed`.
    ribbed, placket, pockets: details; they change no outline.
    """

    fabric: Fabric
    trim: Colour
    _: KW_ONLY
    ribbed: bool = False
    placket: bool = False
    pockets: bool = False


# |x| on the template between which each ends: inside the shoulder joint at 0.175; before the elbow at 0.434; on the
# forearm's lower half, before the wrist at 0.665.
_STRAPS, _SHORT, _LONG = (0.125, 0.150), (0.27, 0.38), (0.58, 0.655)


def random_garment(rng: np.random.Generator, place: GarmentPlace) -> Garment:
    """Any garment for that place."""
    fabric = random_fabric(rng)
    trim = fabric.colours[1] if rng.uniform() < 0.5 else random_colour(rng)
    if place == "lower":
        return _random_lower(rng, fabric, trim)
    kind: GarmentKind = "dress"
    if place == "upper":
        kind = rng.choice(["tshirt", "long_sleeve", "tank_top"], p=[0.5, 0.3, 0.2])
    sleeves = {"tshirt": _SHORT, "long_sleeve": _LONG, "tank_top": _STRAPS}
    sleeves["dress"] = (_STRAPS, _SHORT, _LONG)[rng.choice(3, p=[0.4, 0.45, 0.15])]
    sleeve = rng.uniform(*sleeves[kind])
    v_neck = rng.uniform() < 0.25
    strapped = sleeve < SHOULDER
    garment = Garment(
        kind,
        fabric,
        trim,
        hem=rng.uniform(-0.12, -0.03),
        neck_width=rng.uniform(0.075, 0.10),
        neck_depth=rng.uniform(0.09, 0.15) if v_neck or strapped else rng.uniform(0.055, 0.10),
        v_neck=v_neck,
        sleeve=sleeve,
        looseness=rng.uniform(0.006, 0.020),
        ribbed=rng.uniform() < 0.5,
        placket=not v_neck and not strapped and rng.uniform() < 0.2,
    )
    if place == "upper":
        return garment
    return replace(garment, hem=rng.uniform(-0.62, -0.26), flare=rng.uniform(0.02, 0.12), placket=False)


def _random_lower(rng: np.random.Generator, fabric: Fabric, trim: Colour) -> Garment:
    kind: GarmentKind = rng.choice(["trousers", "skirt"], p=[0.65, 0.35])
    short = rng.uniform() < 0.3
    if kind == "skirt":
        hem = rng.uniform(-0.62, -0.22)
    else:
        hem = rng.uniform(-0.40, -0.22) if short else rng.uniform(-0.81, -0.68)
    if fabric.kind in ("motif", "band"):  # which lie on the chest
        fabric = replace(fabric, kind=rng.choice(["plain", "scatter"]), scale=rng.uniform(0.08, 0.15))
    if fabric.kind == "gradient":
        fabric = replace(fabric, origin=(0.0, (0.06 + hem) / 2))
    return Garment(
        kind,
        fabric,
        trim,
        waist=rng.uniform(0.04, 0.09),
        hem=hem,
        looseness=rng.uniform(0.006, 0.020),
        flare=rng.uniform(0.02, 0.12) if kind == "skirt" else rng.uniform(0.0, 0.03),
        ribbed=rng.uniform() < 0.3,
        pockets=kind == "trousers" or rng.uniform() < 0.3,
    )
