"""What is known of a photo at the size of the matching module, however it was found."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.engines.warp.garment import FlatGarment
from model.engines.warp.geometric.joints import joints_of_parts
from model.engines.warp.geometric.matching import HEIGHT, WIDTH
from model.engines.warp.geometric.representation import Labels, Mask
from model.engines.warp.tps.inputs import on_white
from model.errors import InputError
from model.perception.label_maps import LabelMaps
from model.perception.skeletons import Joints
from model.tryon.codes import TryOnCode
from model.tryon.crop import scaled
from model.tryon.pictures import HALF_WHITE, Box, Size, crop_box, cut

_SIZE = WIDTH, HEIGHT
_LEAST_CONFIDENCE = 0.1  # of a joint


@dataclass(frozen=True)
class Knowledge:
    """photo, mask: RGB and L, the part that is dressed at its own size. small: RGB, lip, atr: labels, body: who is
    there, all of 192 x 256, as the joints' pixels are."""

    photo: Image.Image
    mask: Image.Image
    small: Image.Image
    lip: Labels
    atr: Labels
    body: Mask
    joints: Joints
    garment: FlatGarment

    def cloth(self, width: int, height: int) -> Tensor:
        """(1, 4, height, width): the garment on white, in [-1, 1], and its alpha."""
        return on_white(*self.garment.at(width, height))


def known(
    photo: Image.Image,
    garment: Image.Image,
    mask: Image.Image,
    maps: LabelMaps,
    joints: Joints | None,
    size: Size,
    box: Box | None = None,
) -> Knowledge:
    """
    Args:
        photo: RGB. mask: of any size, white where to paint. maps: of the photo, of any size.
        joints: (18, 3), COCO-18 in the photo's pixels; None: as `maps` show them.
        size, box: which part of the photo is dressed, see `prepare.prepared`.

    Raises:
        InputError: `mask_empty`, the mask is empty in that part.
    """
    box = box or crop_box(photo.size, size)
    part = cut(photo, box)
    white = np.asarray(cut(mask.convert("L").resize(photo.size), box)) >= HALF_WHITE
    if not white.any():
        raise InputError("the mask is empty where the person was cropped", code=TryOnCode.MASK_EMPTY, field="mask")
    parts, lip, atr = (_part(labels, photo.size, box) for labels in (maps.densepose, maps.lip, maps.atr))
    found = joints_of_parts(parts) if joints is None else _in_part(joints, box)
    body = (parts > 0) | (lip > 0) | (atr > 0)
    small = part.resize(_SIZE, Resampling.BICUBIC)
    paint = Image.fromarray(white.astype(np.uint8) * np.uint8(255))
    return Knowledge(part, paint, small, lip, atr, body, found, FlatGarment.of(np.asarray(garment.convert("RGB"))))


def _in_part(joints: Joints, box: Box) -> Joints:
    left, top, right, bottom = box
    scale = np.array([WIDTH / (right - left), HEIGHT / (bottom - top)])
    sure = joints[:, 2:] >= _LEAST_CONFIDENCE
    return np.asarray(np.where(sure, np.hstack([(joints[:, :2] - [left, top]) * scale, joints[:, 2:]]), 0.0))


def _part(labels: Labels, size: Size, box: Box) -> Labels:
    left, top, right, bottom = scaled(box, size, (labels.shape[1], labels.shape[0]))
    picture = Image.fromarray(np.ascontiguousarray(labels))
    cropped = np.asarray(cut(picture, (left, top, max(right, left + 1), max(bottom, top + 1))))
    return np.asarray(cv2.resize(cropped, _SIZE, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
