"""What somebody consists of, in T pose: skin, eyes, hair, shoes and clothes, as surfaces that do not touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from model.clothes import cuts
from model.clothes.buffers import Layer
from model.clothes.surface import Floats, Surface
from model.clothes.wardrobe import wardrobe
from model.synthetic.people.garments import Garment
from model.synthetic.people.joints import JOINTS

_SOLE = 0.008  # how thick shoes are
_SKIN_MARGIN = 0.015  # skin so far under cloth is left out
_UNDER, _OVER = 0.006, 0.013  # metres off the skin: what is tucked in, what hangs over it
_BROW = 0.075  # long hair is cut in front of this z, so that it leaves the face free


def dressed(betas: Floats, garments: Sequence[Garment], *, long_hair: bool) -> list[Surface]:
    """Somebody of a shape, (10,), wearing these, at most one for each place."""
    cloth = [surface for garment in garments for surface in worn(garment, betas, garments)]
    body = _surface(Layer.SKIN, "body", betas)
    hidden = _hidden(garments)[body.faces].all(1)
    eyes = _eyeballs()[body.faces].all(1)
    skin = replace(body, faces=body.faces[~hidden & ~eyes])
    eyes_of = replace(body, layer=Layer.EYES, faces=body.faces[eyes])
    feet = _surface(Layer.SHOES, "tights", betas)
    feet = feet.pushed(np.full(len(feet.vertices), _SOLE, np.float32)).cut(cuts.shoe_depth(feet.places))
    return [skin, eyes_of, *_hair(body, betas, long=long_hair), feet, *cloth]


def worn(garment: Garment, betas: Floats, company: Sequence[Garment] = ()) -> list[Surface]:
    """One garment on a body, over what it is worn with. A dress has two surfaces."""
    if garment.place == "lower":
        return [_lower(garment, betas)]
    layer = Layer.UPPER if garment.place == "upper" else Layer.ONE_PIECE
    tights = _surface(layer, "tights", betas)
    tucked = garment.place == "dress" or any(other.kind == "skirt" for other in company)
    down = np.clip((0.3 - tights.places[:, 1]) / (0.3 - garment.hem), 0, 1)
    along = np.clip((np.abs(tights.places[:, 0]) - 0.18) / 0.2, 0, 1)
    if tucked:  # slim at the waist
        off = _UNDER + garment.looseness * np.maximum(along, down * (1 - down))
    else:
        off = _OVER + garment.looseness * np.maximum(along, down) + garment.flare * down
    bodice = tights.pushed(off.astype(np.float32)).cut(cuts.bodice_depth(garment, tights.places))
    return [bodice, _skirt(layer, garment, betas)] if garment.place == "dress" else [bodice]


def _lower(garment: Garment, betas: Floats) -> Surface:
    if garment.kind == "skirt":
        return _skirt(Layer.LOWER, garment, betas)
    tights = _surface(Layer.LOWER, "tights", betas)
    down = np.clip((-0.1 - tights.places[:, 1]) / 0.6, 0, 1)
    off = _UNDER + (garment.looseness + garment.flare) * down
    return tights.pushed(off.astype(np.float32)).cut(cuts.trousers_depth(garment, tights.places))


def _skirt(layer: Layer, garment: Garment, betas: Floats) -> Surface:
    skirt = _surface(layer, "skirt", betas)
    down = np.clip((0.05 - skirt.places[:, 1]) / (0.05 - garment.hem), 0, 1)
    off = _OVER + garment.looseness * down + garment.flare * down**1.5
    return skirt.pushed(off.astype(np.float32)).cut(cuts.skirt_depth(garment, skirt.places))


def _hair(body: Surface, betas: Floats, *, long: bool) -> list[Surface]:
    scalp = replace(body, layer=Layer.HAIR)
    z = scalp.places[:, 2]
    volume = 0.012 + 0.012 * np.clip((0.05 - z) / 0.08, 0, 1) + (0.008 if long else 0.0)
    parts = [scalp.pushed(volume.astype(np.float32)).cut(cuts.scalp_depth(scalp.places))]
    if long:
        strands = _surface(Layer.HAIR, "hair", betas)
        parts.append(strands.cut(np.minimum(_BROW - strands.places[:, 2], strands.places[:, 1] - 0.30)))
    return parts


def _hidden(garments: Sequence[Garment]) -> NDArray[np.bool_]:
    """(V,): skin that lies well under close-fitting cloth or in shoes."""
    places = wardrobe()["body"].template
    depths = [cuts.shoe_depth(places)]
    depths += [cuts.trousers_depth(garment, places) for garment in garments if garment.kind == "trousers"]
    depths += [cuts.bodice_depth(garment, places) for garment in garments if garment.place != "lower"]
    hidden: NDArray[np.bool_] = np.maximum.reduce(depths) > _SKIN_MARGIN
    return hidden


@cache
def _eyeballs() -> NDArray[np.bool_]:
    eyes = [list(JOINTS).index(f"{side}_eye_smplhf") for side in ("left", "right")]
    moved_by_eyes: NDArray[np.bool_] = wardrobe()["body"].weights[:, eyes].sum(1) > 0.5
    return moved_by_eyes


def _surface(layer: Layer, name: str, betas: Floats) -> Surface:
    piece = wardrobe()[name]
    return Surface(layer, piece.shaped(betas), piece.template, piece.weights, piece.faces)
