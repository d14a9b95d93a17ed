"""How far the photos' pixels are believed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model.clothes.arrays import Floats
from model.clothes.buffers import BodyLayer
from model.engines.template.labels import LabelledPixels

Layers = NDArray[np.uint8]

_SOLID, _RIM_TRUST = 0.9, 0.1  # alpha of pixels that are asked at all; how far those at a rim are believed
_CERTAIN = 0.5  # share of the likeliest layer from which a pixel is asked
_EXPECTED, _MOST_TRUST = 0.02, 4.0  # metres: of a place with trust 1


def trusted(pixels: LabelledPixels, layers: Layers) -> Floats:
    """(N, S, S), 0 of pixels that are not asked. layers: (N, S, S), as decided for the person."""
    solid = pixels.alphas > _SOLID
    inner = np.stack([cv2.erode(plane.astype(np.uint8), np.ones((3, 3), np.uint8)) for plane in solid]) > 0
    certainty = pixels.shares.max(-1)
    asked = solid & (layers > 0) & (certainty > _CERTAIN)
    trust = np.minimum((_EXPECTED / pixels.errors) ** 2, _MOST_TRUST) * certainty**4
    believed: Floats = np.where(asked, np.where(inner, trust, _RIM_TRUST * trust), 0).astype(np.float32)
    return believed


def merged(layers: Layers) -> Layers:
    """Eyes are few pixels, and lie within the skin."""
    return np.where(layers == BodyLayer.EYES, np.uint8(BodyLayer.SKIN), layers)
