"""Who is in a photo: one person's matte out of whatever a matting network says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from model.avatar.codes import AvatarCode
from model.errors import InputError
from model.perception.matting import Matting

_NOISE = 8  # of 255: what a matte says of walls
_SOLID = 128  # of 255: more person than wall
_LEAST_SHARE = 0.001  # of a photo's pixels: less is nobody
_CRUMB = 0.005  # of all solid pixels: less is no part of anybody
_ANOTHER_PERSON = 0.2  # of the largest component's pixels: less is a thing somebody carries
_CUT = 0.1  # of the matte's widest row: less is hair that touches the border
_CLEAR = 16  # of 255: what is transparent of a photo
_CLEAR_BORDER, _CLEAR_SHARE = 0.2, 0.03  # of a cut-out's border and pixels; less is a hole, a frame or a round corner
_NO_OUTLINE = 2 / 3  # of the border: what meets so much of it is a wall

Levels = NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True)
class Cutout:
    """The person of one photo.

    Args:
        picture: RGBA, of the photo's size, upright.
        several_people: others were there and have been removed.
        cut_at_top: the person goes on beyond the upper border, so there may be no head.
    """

    picture: Image.Image
    several_people: bool
    cut_at_top: bool


def cut_out(photo: Image.Image, matting: Matting | None, field: str) -> Cutout:
    """The largest person of a photo. One that is cut out is its own matte.

    Raises:
        InputError: `no_person`, or `no_matting` if one was needed; naming `field`.
    """
    matte = without_shadows(np.asarray(alpha_of(photo, matting, field)))
    solid = matte >= _SOLID
    if solid.mean() < _LEAST_SHARE or border(solid).mean() > _NO_OUTLINE:
        raise InputError(f"{field} shows no person", code=AvatarCode.NO_PERSON, field=field)
    person, several = largest_person(matte)
    picture = photo.convert("RGB")
    picture.putalpha(Image.fromarray(person))
    return Cutout(picture, several, cut_at_top(person))


def alpha_of(photo: Image.Image, matting: Matting | None, field: str) -> Image.Image:
    """The photo's own transparency, or what the matting says of all that is not transparent."""
    own = photo.getchannel("A") if photo.mode == "RGBA" else Image.new("L", photo.size, 255)
    if is_cut_out(np.asarray(own)):
        return own
    if matting is None:
        message = f"{field} has no transparent background of its own, and no matting model is installed"
        raise InputError(message, code=AvatarCode.NO_MATTING, field=field)
    return ImageChops.darker(matting.alpha(photo.convert("RGB")), own)


def is_cut_out(alpha: Levels) -> bool:
    """Whether somebody has erased what is around a person: a plausible share of the border, and of the whole."""
    clear = alpha < _CLEAR
    return bool(border(clear).mean() >= _CLEAR_BORDER and clear.mean() >= _CLEAR_SHARE)


def border(pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outermost pixels of (H, W), one after the other."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def without_shadows(matte: Levels) -> Levels:
    """The matte without what it is hardly anywhere sure of: faint patches on the wall, blurs beside the person."""
    count, regions = cv2.connectedComponents((matte >= _NOISE).astype(np.uint8))
    sizes = np.bincount(regions[matte >= _SOLID], minlength=count)
    return np.where((sizes > _CRUMB * sizes.sum())[regions], matte, np.uint8(0))


def largest_person(matte: Levels) -> tuple[Levels, bool]:
    """The matte without all but its largest component, if there is another one that could be a person.

    Soft pixels go with the component that is nearest to them.
    """
    solid = matte >= _SOLID
    # Every pixel gets the number of the component nearest to it.
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    sizes = np.bincount(nearest[solid])
    if (sizes > _ANOTHER_PERSON * sizes.max()).sum() < 2:
        return matte, False
    return np.where(nearest == sizes.argmax(), matte, np.uint8(0)), True


def cut_at_top(matte: Levels) -> bool:
    """Whether the person goes on beyond the upper border, judged by how broadly it meets it.

    A photo that ends within the forehead and one that ends at the neck look alike here.
    """
    widths = (matte >= _SOLID).sum(axis=1)
    return bool(widths[0] > _CUT * widths.max())
