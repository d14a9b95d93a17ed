"""Who is to be dressed, without what they wear: where the joints are, what shape the body has, and the head.

Numbers and roundings are those of CP-VTON+, whose weights want them so.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.Image import Resampling
from torch import Tensor

from model.perception.skeletons import Joints

Labels = NDArray[np.uint8]  # (H, W), LIP's
Mask = NDArray[np.bool_]  # (H, W)

RADIUS = 5  # of a joint's square, in a picture 192 pixels wide
# LIP: hat 1, hair 2, sunglasses 4, trousers 9, skirt 12, face 13, legs 16 and 17.
HEAD = (1, 4, 13)  # what the matching module sees of the photo
KEPT = (1, 2, 4, 9, 12, 13, 16, 17)  # what the try-on module sees of it: all but a top and arms
_SHRUNK = 16  # times, and enlarged again: how the body's shape is blurred
_ABSENT = 1.0  # pixels: joints that nobody found are in the corner


def person_channels(photo: Image.Image, labels: Labels, body: Mask, joints: Joints, kept: Collection[int]) -> Tensor:
    """(1, 22, H, W) in [-1, 1]: the body's shape, what is kept of the photo, and a map a joint.

    Args:
        photo: RGB. labels, body: of its size.
        joints: (18, 2) or (18, 3), COCO-18 in its pixels; (0, 0) where there is none.
        kept: labels of what stays of the photo.
    """
    planes = [shape(body)[None], kept_colours(photo, np.isin(labels, list(kept))), pose_maps(joints, photo.size)]
    return torch.cat(planes)[None]


def shape(body: Mask) -> Tensor:
    """(H, W) in [-1, 1]: where the body is, so coarse that no outline of clothing is left."""
    height, width = body.shape
    picture = Image.fromarray(body.astype(np.uint8) * np.uint8(255))
    small = picture.resize((width // _SHRUNK, height // _SHRUNK), Resampling.BILINEAR)
    return _signed(np.asarray(small.resize((width, height), Resampling.BILINEAR)))


def kept_colours(photo: Image.Image, kept: Mask) -> Tensor:
    """(3, H, W) in [-1, 1], black where nothing is kept."""
    return _signed(np.asarray(photo) * kept[..., None]).permute(2, 0, 1)


def pose_maps(joints: Joints, size: tuple[int, int], radius: int = RADIUS) -> Tensor:
    """(18, H, W): 1 in a square around each joint, else -1. size: (width, height)."""
    maps = []
    for x, y in joints[:, :2]:
        picture = Image.new("L", size)
        if x > _ABSENT and y > _ABSENT:
            ImageDraw.Draw(picture).rectangle((x - radius, y - radius, x + radius, y + radius), 255, 255)
        maps.append(_signed(np.asarray(picture)))
    return torch.stack(maps)


def garment_mask(levels: NDArray[np.uint8]) -> Tensor:
    """(1, H, W), 0 or 1, of a grey picture's levels."""
    return torch.from_numpy((levels >= 128).astype(np.float32))[None]


def picture_tensor(picture: Image.Image) -> Tensor:
    """(3, H, W) in [-1, 1], of an RGB picture."""
    return _signed(np.asarray(picture)).permute(2, 0, 1)


def _signed(levels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(levels.astype(np.float32)) / 255 * 2 - 1
