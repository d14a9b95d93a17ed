"""What a data set says of a photo, found by the built-in networks; and the photo as somebody else might take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.engines.warp.geometric.joints import joints_of_parts
from model.perception.label_maps import LabelMaps
from model.perception.skeletons import body_25
from model.train.warp.people import found_labels
from model.tryon.automask import agnostic_mask
from model.tryon.request import Category

# How far a copy may be turned, shrunk, lit and contrasted otherwise: little, for its labels are the photo's.
_DEGREES, _SMALLEST, _BRIGHTNESS, _CONTRAST = 5.0, 0.95, 0.2, 0.15


@dataclass(frozen=True)
class Annotated:
    """photo: RGB. maps: of its size. mask: (H, W), 1 where a garment of the category goes."""

    photo: Image.Image
    maps: LabelMaps
    mask: NDArray[np.uint8]

    @property
    def body(self) -> NDArray[np.uint8]:
        """(H, W), 255 where the person is."""
        there = (self.maps.densepose > 0) | (self.maps.atr > 0) | (self.maps.lip > 0)
        return there.astype(np.uint8) * np.uint8(255)

    @property
    def pose(self) -> dict[str, object]:
        """OpenPose's file: BODY_25, each x, y and a confidence."""
        joints = body_25(joints_of_parts(self.maps.densepose))
        person = {"pose_keypoints_2d": [round(float(value), 2) for value in joints.ravel()]}
        width, height = self.photo.size
        return {"version": 1.3, "people": [person], "canvas_width": width, "canvas_height": height}


def annotated(photo: Image.Image, category: Category) -> Annotated:
    """An RGB photo with everything that is found in it."""
    maps = found_labels(photo)
    return Annotated(photo, maps, np.asarray(agnostic_mask(maps, category), np.uint8))


def variations(photo: Image.Image, count: int, seed: int) -> Iterator[Image.Image]:
    """The photo in other frames and light: a little turned, cropped, brighter or darker, with more or less contrast.

    Never mirrored, which would mirror writing too.
    """
    rng = np.random.default_rng([9, seed])
    width, height = photo.size
    middle = width / 2, height / 2
    for _ in range(count):
        scale = 1 / rng.uniform(_SMALLEST, 1)
        turn = cv2.getRotationMatrix2D(middle, rng.uniform(-_DEGREES, _DEGREES), scale)
        levels = cv2.warpAffine(np.asarray(photo), turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        gain = rng.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS)
        contrast = rng.uniform(1 - _CONTRAST, 1 + _CONTRAST)
        lit = (np.asarray(levels, np.float32) - 128) * contrast + 128
        yield Image.fromarray((lit * gain).clip(0, 255).astype(np.uint8))
