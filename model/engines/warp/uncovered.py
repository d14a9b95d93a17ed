"""What the old garment hid: painted, with the ground and skin of this very photo as its measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.engines.warp.areas import Areas
from model.engines.warp.cutout import carried_on

Levels = NDArray[np.uint8]  # (h, w, 3)
Colours = NDArray[np.float32]  # (h, w, 3), 0..255
Plane = NDArray[np.float32]  # (h, w), 0..1

_FAR = 160.0  # levels from the ground at which nothing is ground
_GROUND, _BODY = 0.35, 0.65  # of the way from ground to skin: before it paint is ground, beyond it none


def uncovered(photo: Levels, painted: Colours, areas: Areas) -> Colours:
    """The paint, but where it is about as the ground around it is, that ground continued; and legs where they are
    known to be.

    So a body has an outline in what was painted coarsely, and the ground no halo around it.
    """
    if not areas.ground.any():
        return painted
    ground = carried_on(photo, areas.ground).astype(np.float32)
    skin = carried_on(photo, areas.skin).astype(np.float32) if areas.skin.any() else None
    body = _body(painted, ground, skin)
    if skin is None:
        return ground + body[..., None] * (painted - ground)
    known, cover, light = areas.legs
    body *= 1 - known
    under = ground + body[..., None] * (painted - ground)
    return np.asarray(under + cover[..., None] * (skin * light[..., None] - under), np.float32)


def _body(painted: Colours, ground: Colours, skin: Colours | None) -> Plane:
    """(h, w): 0 where paint is about as the ground, 1 where it is not, or nearer to skin."""
    off = _distance(painted, ground)
    way = off / np.float32(_FAR)
    if skin is not None:
        way = np.maximum(way, off / np.maximum(off + _distance(skin, painted), 1))
    share = ((way - _GROUND) / (_BODY - _GROUND)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _distance(one: Colours, other: Colours) -> NDArray[np.float32]:
    """(h, w), levels."""
    return np.asarray(np.sqrt(np.square(one - other).sum(-1)), np.float32)
