"""What somebody consists of, in T pose: skin, eyes, hair, shoes and clothes, as surfaces that do not touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.body.joints import JOINTS
from model.clothes import outlines
from model.clothes.arrays import Floats
from model.clothes.buffers import LAYERS, BodyLayer
from model.clothes.cut import Cut
from model.clothes.surface import SkinnedSurface
from model.clothes.wardrobe import Piece, Wardrobe

_SOLE = 0.008  # how thick shoes are
_SKIN_MARGIN = 0.015  # skin so far under cloth is left out
_UNDER, _OVER = 0.006, 0.013  # metres off the skin: what is tucked in, what hangs over it
_BROW = 0.075  # long hair is cut in front of this z, so that it leaves the face free


def dressed(wardrobe: Wardrobe, betas: Floats, cuts: Sequence[Cut], *, long_hair: bool) -> list[SkinnedSurface]:
    """Somebody of a shape, (10,), wearing these, at most one for each place."""
    cloth = [surface for cut in cuts for surface in worn(wardrobe, cut, betas, cuts)]
    body = _surface(BodyLayer.SKIN, wardrobe["body"], betas)
    hidden = _hidden(body.places, cuts)[body.faces].all(1)
    eyes = _eyeballs(body.weights)[body.faces].all(1)
    skin = replace(body, faces=body.faces[~hidden & ~eyes])
    eyes_of = replace(body, layer=BodyLayer.EYES, faces=body.faces[eyes])
    feet = _surface(BodyLayer.SHOES, wardrobe["tights"], betas)
    feet = feet.pushed(np.full(len(feet.vertices), _SOLE, np.float32)).cut(outlines.shoe_depth(feet.places))
    hair = [_scalp(body, long=long_hair)]
    if long_hair:
        hair.append(_strands(wardrobe["hair"], betas))
    return [skin, eyes_of, *hair, feet, *cloth]


def worn(wardrobe: Wardrobe, cut: Cut, betas: Floats, company: Sequence[Cut] = ()) -> list[SkinnedSurface]:
    """One garment on a body, over what it is worn with. A dress has two surfaces."""
    if cut.kind == "trousers":
        return [_trousers(wardrobe["tights"], cut, betas)]
    if cut.kind == "skirt":
        return [_skirt(BodyLayer.LOWER, wardrobe["skirt"], cut, betas)]
    layer = LAYERS[cut.place]
    tucked = cut.place == "dress" or any(other.kind == "skirt" for other in company)
    bodice = _bodice(_surface(layer, wardrobe["tights"], betas), cut, tucked=tucked)
    return [bodice, _skirt(layer, wardrobe["skirt"], cut, betas)] if cut.place == "dress" else [bodice]


def _bodice(tights: SkinnedSurface, cut: Cut, *, tucked: bool) -> SkinnedSurface:
    down = np.clip((0.3 - tights.places[:, 1]) / (0.3 - cut.hem), 0, 1)
    along = np.clip((np.abs(tights.places[:, 0]) - 0.18) / 0.2, 0, 1)
    if tucked:  # slim at the waist
        off = _UNDER + cut.looseness * np.maximum(along, down * (1 - down))
    else:
        off = _OVER + cut.looseness * np.maximum(along, down) + cut.flare * down
    return tights.pushed(off.astype(np.float32)).cut(outlines.bodice_depth(cut, tights.places))


def _trousers(piece: Piece, cut: Cut, betas: Floats) -> SkinnedSurface:
    tights = _surface(BodyLayer.LOWER, piece, betas)
    down = np.clip((-0.1 - tights.places[:, 1]) / 0.6, 0, 1)
    off = _UNDER + (cut.looseness + cut.flare) * down
    return tights.pushed(off.astype(np.float32)).cut(outlines.trousers_depth(cut, tights.places))


def _skirt(layer: BodyLayer, piece: Piece, cut: Cut, betas: Floats) -> SkinnedSurface:
    skirt = _surface(layer, piece, betas)
    down = np.clip((0.05 - skirt.places[:, 1]) / (0.05 - cut.hem), 0, 1)
    off = _OVER + cut.looseness * down + cut.flare * down**1.5
    return skirt.pushed(off.astype(np.float32)).cut(outlines.skirt_depth(cut, skirt.places))


def _scalp(body: SkinnedSurface, *, long: bool) -> SkinnedSurface:
    scalp = replace(body, layer=BodyLayer.HAIR)
    z = scalp.places[:, 2]
    volume = 0.012 + 0.012 * np.clip((0.05 - z) / 0.08, 0, 1) + (0.008 if long else 0.0)
    return scalp.pushed(volume.astype(np.float32)).cut(outlines.scalp_depth(scalp.places))


def _strands(piece: Piece, betas: Floats) -> SkinnedSurface:
    strands = _surface(BodyLayer.HAIR, piece, betas)
    return strands.cut(np.minimum(_BROW - strands.places[:, 2], strands.places[:, 1] - 0.30))


def _hidden(places: Floats, cuts: Sequence[Cut]) -> NDArray[np.bool_]:
    """(V,): skin that lies well under close-fitting cloth or in shoes."""
    depths = [outlines.shoe_depth(places)]
    depths += [outlines.trousers_depth(cut, places) for cut in cuts if cut.kind == "trousers"]
    depths += [outlines.bodice_depth(cut, places) for cut in cuts if cut.place != "lower"]
    hidden: NDArray[np.bool_] = np.maximum.reduce(depths) > _SKIN_MARGIN
    return hidden


def _eyeballs(weights: Floats) -> NDArray[np.bool_]:
    """(V,): what the eyes' joints move."""
    eyes = [JOINTS.index(f"{side}_eye_smplhf") for side in ("left", "right")]
    moved_by_eyes: NDArray[np.bool_] = weights[:, eyes].sum(1) > 0.5
    return moved_by_eyes


def _surface(layer: BodyLayer, piece: Piece, betas: Floats) -> SkinnedSurface:
    return SkinnedSurface(layer, piece.shaped(betas), piece.template, piece.weights, piece.faces)
