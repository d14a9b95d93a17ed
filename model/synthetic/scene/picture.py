"""One made-up photo and everything that is true about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.clothes.cut import GarmentPlace


@dataclass(frozen=True)
class Picture:
    """A dressed person. All pictures and maps have the photo's size, W x H.

    photo: RGB. alpha: L, the person's outline.
    lip, atr, densepose: (H, W) uint8 label maps: the classes of LIP (20), ATR (18) and DensePose (25 parts).
    keypoints: (18, 3) float32 of OpenPose's COCO body: x, y in pixels and 1 where seen, 0.5 where hidden, 0 outside.
    normals: (H, W, 3) float32 in the camera's axes (right, up, towards the camera), zero where nobody is.
    depths: (H, W) float32 metres, zero where nobody is.
    garments: flat pictures, RGB on white, of garments worn.
    regions: (H, W) bool, where each garment is seen.
    """

    photo: Image.Image
    alpha: Image.Image
    lip: NDArray[np.uint8]
    atr: NDArray[np.uint8]
    densepose: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    normals: NDArray[np.float32]
    depths: NDArray[np.float32]
    garments: Mapping[GarmentPlace, Image.Image]
    regions: Mapping[GarmentPlace, NDArray[np.bool_]]
