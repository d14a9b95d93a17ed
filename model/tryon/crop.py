"""Which part of a photo is painted: the centred box of the published code, or one that follows mask and person."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.tryon.pictures import HALF_WHITE, Box, Size, crop_box
from model.tryon.request import Crop, PersonCrop

MASK_GROWTH = 0.10  # of the mask's box, so much larger it must lie inside the centred box
LEAST_HEIGHT = 0.5  # of the centred box's, that a person has for whom it is kept
SURROUNDINGS = 0.10  # of the person's box, that a box which follows them has on each side of them
HEIGHT_OF_MASK = 3  # of a person's height to their mask's, where nothing else tells it
_LEAST_SHARE = 0.001  # of all pixels: fewer labelled ones are nobody
_GAP = 24  # of the longer side: labels nearer to each other than that part of it are of one person


def keeps_centre(photo: Size, target: Size, mask: Box, person_height: float) -> bool:
    """Whether `auto` is the centred box. target: the size of the networks, whose aspect counts."""
    left, top, right, bottom = crop_box(photo, target)
    inside = _contains((left, top, right, bottom), _clipped(grown(mask, MASK_GROWTH / 2), photo))
    return inside and person_height >= LEAST_HEIGHT * (bottom - top)


def chosen_box(crop: Crop, photo: Size, target: Size, mask: Box, person: Box | None) -> Box:
    """The box to paint, which may reach beyond the photo.

    Args:
        mask: of what is to be painted. person: of whom it is on; None: nobody knows.
    """
    person = person or person_by_mask(mask, photo)
    if crop == "centre" or (crop == "auto" and keeps_centre(photo, target, mask, person[3] - person[1])):
        return crop_box(photo, target)
    if isinstance(crop, PersonCrop):
        needed = grown(person, crop.person)
    else:
        needed = united(grown(mask, MASK_GROWTH / 2), grown(person, SURROUNDINGS))
    return _around(_clipped(needed, photo), photo, target)


def _around(needed: Box, photo: Size, target: Size) -> Box:
    """The smallest box of the target's aspect around another, inside the photo as far as it can be."""
    left, top, right, bottom = needed
    width, height = right - left, bottom - top
    if width * target[1] < height * target[0]:
        width = math.ceil(height * target[0] / target[1])
    else:
        height = math.ceil(width * target[1] / target[0])
    x, y = (
        _placed((start + end - side) // 2, side, whole)
        for start, end, side, whole in ((left, right, width, photo[0]), (top, bottom, height, photo[1]))
    )
    return x, y, x + width, y + height


def _placed(start: int, side: int, whole: int) -> int:
    """Where a box begins: inside the photo if it fits, around it if it does not."""
    return min(max(start, min(0, whole - side)), max(0, whole - side))


def box_of(mask: Image.Image) -> Box | None:
    """Around what a mask (L) paints; None if that is nothing."""
    return mask.point(lambda level: 255 if level >= HALF_WHITE else 0).getbbox()


def person_by_mask(mask: Box, photo: Size) -> Box:
    """A guess: around the mask, and as high as people are to what is painted on them."""
    left, top, right, bottom = mask
    more = (HEIGHT_OF_MASK - 1) * (bottom - top) // 2
    return _clipped((left, top - more, right, bottom + more), photo)


def person_in(bodies: NDArray[np.bool_], mask: Image.Image, photo: Size) -> Box | None:
    """Around the body that most of the mask is on, or the largest; None if there is none.

    Args:
        bodies: (H, W), where people are, of any size. mask: L, of the photo's.
    """
    seen = bodies.astype(np.uint8)
    height, width = seen.shape
    near = np.ones((max(1, max(seen.shape) // _GAP),) * 2, np.uint8)
    _, regions = cv2.connectedComponents(cv2.dilate(seen, near))
    painted = np.asarray(mask.resize((width, height), Image.Resampling.NEAREST)) >= HALF_WHITE
    sizes = np.bincount(regions[seen > 0])
    sizes[sizes <= _LEAST_SHARE * seen.size] = 0
    if not sizes.any():
        return None
    under = np.bincount(regions[(seen > 0) & painted], minlength=len(sizes)) * (sizes > 0)
    whose = (under if under.any() else sizes).argmax()
    rows, columns = np.nonzero((regions == whose) & (seen > 0))
    box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    return scaled(box, (width, height), photo)


def share_outside(mask: Image.Image, box: Box) -> float:
    """How much of what a mask paints lies outside a box, 0..1."""
    painted: NDArray[np.bool_] = np.asarray(mask) >= HALF_WHITE
    left, top, right, bottom = _clipped(box, mask.size)
    total = np.count_nonzero(painted)
    return 1 - np.count_nonzero(painted[top:bottom, left:right]) / total if total else 0.0


def grown(box: Box, share: float) -> Box:
    """Larger by this share of its width and height on each side."""
    left, top, right, bottom = box
    across, down = share * (right - left), share * (bottom - top)
    return (
        math.floor(left - across),
        math.floor(top - down),
        math.ceil(right + across),
        math.ceil(bottom + down),
    )


def united(one: Box, other: Box) -> Box:
    """The smallest box around both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def scaled(box: Box, size: Size, to: Size) -> Box:
    """A box of a picture of one size in the same picture of another."""
    across, down = to[0] / size[0], to[1] / size[1]
    left, top, right, bottom = box
    return round(left * across), round(top * down), round(right * across), round(bottom * down)


def _clipped(box: Box, size: Size) -> Box:
    return max(box[0], 0), max(box[1], 0), min(box[2], size[0]), min(box[3], size[1])


def _contains(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
