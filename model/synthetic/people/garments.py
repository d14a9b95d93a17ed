"""Garments: how they are cut, in metres of the body's template (T pose, Y up, pelvis at the origin), and of what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from model.synthetic.fabrics.cloth_colours import Colour, random_colour
from model.synthetic.fabrics.fabrics import Fabric, random_fabric
from model.synthetic.scene.picture import GarmentPlace

Kind = Literal["tshirt", "long_sleeve", "tank_top", "trousers", "skirt", "dress"]

NECK_TOP = 0.53  # height the neck's opening is measured from: where the neck leaves the shoulders


@dataclass(frozen=True)
class Garment:
    """One piece of clothing. Lengths in metres; heights are Y on the template.

    kind: a dress has sleeves as short as those of a top, or none.
    fabric: of all of it; trim: the colour of ribs and bands where `ribbed`.
    hem: height of the lower edge; of trousers, where the legs end.
    neck_width, neck_depth: half the width of the neck's opening, and how far it reaches below `NECK_TOP` in front.
    v_neck: the opening is pointed, not round.
    sleeve: |x| where sleeves end, or where straps do, inside the shoulder (0.175), for one without sleeves.
    waist: height of the upper edge of trousers and skirts.
    looseness: how far the cloth hangs off the body; flare: how much farther at the hem.
    ribbed, placket, pockets: details; they change no outline.
    """

    kind: Kind
    fabric: Fabric
    trim: Colour
    hem: float
    neck_width: float = 0.08
    neck_depth: float = 0.07
    v_neck: bool = False
    sleeve: float = 0.33
    waist: float = 0.06
    looseness: float = 0.012
    flare: float = 0.0
    ribbed: bool = False
    placket: bool = False
    pockets: bool = False

    @property
    def place(self) -> GarmentPlace:
        """What part of the body it dresses."""
        if self.kind == "dress":
            return "dress"
        return "lower" if self.kind in ("trousers", "skirt") else "upper"

    @property
    def sleeveless(self) -> bool:
        """Whether the arms are bare from the shoulder; only asked of what covers the shoulders."""
        return self.sleeve < _SHOULDER


_SHOULDER = 0.175
_STRAPS, _SHORT, _LONG = (0.125, 0.150), (0.27, 0.38), (0.58, 0.655)


def random_garment(rng: np.random.Generator, place: GarmentPlace) -> Garment:
    """Any garment for that place."""
    fabric = random_fabric(rng)
    trim = fabric.colours[1] if rng.uniform() < 0.5 else random_colour(rng)
    if place == "lower":
        return _random_lower(rng, fabric, trim)
    kind: Kind = "dress"
    if place == "upper":
        kind = rng.choice(["tshirt", "long_sleeve", "tank_top"], p=[0.5, 0.3, 0.2])
    sleeves = {"tshirt": _SHORT, "long_sleeve": _LONG, "tank_top": _STRAPS}
    sleeves["dress"] = (_STRAPS, _SHORT, _LONG)[rng.choice(3, p=[0.4, 0.45, 0.15])]
    sleeve = rng.uniform(*sleeves[kind])
    v_neck = rng.uniform() < 0.25
    strapped = sleeve < _SHOULDER
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
    kind: Kind = rng.choice(["trousers", "skirt"], p=[0.65, 0.35])
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
