"""What is seen at each pixel of a picture of a dressed body: geometry, no colours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Floats
from model.clothes.cut import GarmentPlace


class BodyLayer(IntEnum):
    """Whose surface a pixel shows. A dress is `ONE_PIECE`; a skirt or trousers `LOWER`."""

    NOTHING = 0
    SKIN = 1
    EYES = 2
    HAIR = 3
    UPPER = 4
    LOWER = 5
    ONE_PIECE = 6
    SHOES = 7


LAYERS: dict[GarmentPlace, BodyLayer] = {
    "upper": BodyLayer.UPPER,
    "lower": BodyLayer.LOWER,
    "dress": BodyLayer.ONE_PIECE,
}


@dataclass(frozen=True)
class Buffers:
    """One view, (H, W). Where `layers` is NOTHING the others are zero.

    layers: uint8, of `BodyLayer`.
    places: (H, W, 3) float32, the surface's point on the unposed template, metres: T pose, Y up, facing +Z, its left
        hand at +X, pelvis at the origin. The same for the same spot of skin or cloth in every pose, body and view, so
        a pattern that is a function of it sticks to skin and cloth.
    normals: (H, W, 3) float32 unit vectors in the camera's axes: right, up, towards the camera.
    depths: (H, W) float32 metres from the camera.
    joints: (H, W) uint8, the SMPL-X joint that moves the surface most.
    occlusion: (H, W) float32, 0..1, how much of the sky the surface sees; 1 where nothing is near.
    """

    layers: NDArray[np.uint8]
    places: Floats
    normals: Floats
    depths: Floats
    joints: NDArray[np.uint8]
    occlusion: Floats
