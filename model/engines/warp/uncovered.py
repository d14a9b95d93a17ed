"""What the old garment hid: painted, with the ground and skin of this very photo as its measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.engines.warp.areas import Areas
from model.engines.warp.cutout import carried_on

Levels = NDArray[np.uint8]  # (h, w, 3)
Colours = NDArray[np.float32]  # (h, w, 3), 0..255

_FAR = 160.0  # levels from the ground at which nothing is ground
_GROUND, _BODY = 0.35, 0.65  # of the way from ground to skin: before it paint is ground, beyond it none


def uncovered(photo: Levels, painted: Colours, areas: Areas) -> Colours:
    """The paint, but where it is about as the ground around it is, that ground continued.

    So a body has an outline in what was painted coarsely, and the ground no halo around it.
    """
    if not areas.ground.any():
        return painted
    ground = carried_on(photo, areas.ground).astype(np.float32)
    off = _distance(painted, ground)
    way = off / np.float32(_FAR)
    if areas.skin.any():
        skin = carried_on(photo, areas.skin)
        way = np.maximum(way, off / np.maximum(off + _distance(skin, painted), 1))
    share = ((way - _GROUND) / (_BODY - _GROUND)).clip(0, 1)
    body = (share * share * (3 - 2 * share))[..., None]
    return np.asarray(ground + body * (painted - ground), np.float32)


def _distance(one: Levels | Colours, other: Colours) -> NDArray[np.float32]:
    """(h, w), levels."""
    return np.asarray(np.sqrt(np.square(one - other).sum(-1)), np.float32)
