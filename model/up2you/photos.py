"""From the client's photos to what the networks see: one person, centred, on grey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.catvton.reading import read_picture
from model.errors import InputError
from model.perception.matting import Matting

FRAMED_SIZE, FRAMED_RATIO = 1024, 0.925
_GREY = 127
_NOISE = 8  # of 255: what a matte says of walls
_SOLID = 128
_LEAST_SHARE = 0.001  # of a photo's pixels: less is nobody
_CRUMB = 0.005  # of all solid pixels: less is no part of anybody
_ANOTHER_PERSON = 0.2  # of the largest component's pixels: less is a thing somebody carries, or a crumb
_CUT = 0.1  # of the matte's widest row: less is hair that touches the border

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


def read_photo(file: Path, field: str) -> Image.Image:
    """A photo, upright: RGBA if some of it is transparent, else RGB.

    Raises:
        InputError: `image_unreadable`, naming `field`.
    """
    picture = read_picture(file, field)
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
        return picture
    return picture.convert("RGB")


def cut_out(photo: Image.Image, matting: Matting | None, field: str) -> Cutout:
    """The largest person of a photo. A photo that is transparent somewhere is its own matte.

    Raises:
        InputError: `no_person`, or `no_matting` if one was needed; naming `field`.
    """
    matte = without_shadows(np.asarray(alpha_of(photo, matting, field)))
    if (matte >= _SOLID).mean() < _LEAST_SHARE:
        raise InputError(f"{field} shows no person", code="no_person", field=field)
    person, several = largest_person(matte)
    picture = photo.convert("RGB")
    picture.putalpha(Image.fromarray(person))
    return Cutout(picture, several, cut_at_top(person))


def alpha_of(photo: Image.Image, matting: Matting | None, field: str) -> Image.Image:
    """The photo's own transparency, or what the matting says."""
    if photo.mode == "RGBA":
        return photo.getchannel("A")
    if matting is None:
        message = f"{field} has no transparent background of its own, and no matting model is installed"
        raise InputError(message, code="no_matting", field=field)
    return matting.alpha(photo)


def without_shadows(matte: Levels) -> Levels:
    """The matte without what it is hardly anywhere sure of: whispers on the wall, blurs beside the person."""
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


def framed(
    cutout: Image.Image, size: int = FRAMED_SIZE, ratio: float = FRAMED_RATIO, *, reference: bool = False
) -> Image.Image:
    """The person enlarged to `ratio` of a transparent square and moved towards where they were in the photo.

    Args:
        cutout: RGBA.
        size: of the square.
        ratio: of the person's longer side to the square's.
        reference: square the alpha and lay the colours over black, then over grey, as the published code does, which
            thins and darkens soft borders. Otherwise colours and alpha stay what they are.

    Returns:
        RGBA; all black and transparent if the cutout is all transparent.
    """
    canvas = Image.new("RGBA", (size, size))
    box = cutout.getchannel("A").getbbox()
    if box is None:
        return canvas
    person = _enlarged(cutout.crop(box), int(size * ratio))
    corner = _corner(cutout.size, box, person.size, size)
    if not reference:
        canvas.paste(person, corner)
        return canvas
    canvas.paste(person, corner, person)
    return _over_grey(canvas)


def _enlarged(person: Image.Image, target: int) -> Image.Image:
    width, height = person.size
    if width > height:
        new = target, max(1, int(height * target / width))
    else:
        new = max(1, int(width * target / height)), target
    return person.resize(new, Resampling.LANCZOS)


def _corner(
    photo: tuple[int, int], box: tuple[int, int, int, int], person: tuple[int, int], size: int
) -> tuple[int, int]:
    """Where the person's box goes: its centre lies as it did in the photo's square, if there is room."""
    longer = max(photo)
    corners = []
    for i in range(2):
        centre = (box[i] + box[i + 2]) / 2 + (longer - photo[i]) / 2
        start = int(centre / longer * size) - person[i] // 2
        corners.append(min(max(start, 0), size - person[i]))
    return corners[0], corners[1]


def _over_grey(picture: Image.Image) -> Image.Image:
    """RGB over grey by the picture's alpha, which stays."""
    alpha = picture.getchannel("A")
    flat = Image.new("RGB", picture.size, (_GREY, _GREY, _GREY))
    flat.paste(picture.convert("RGB"), mask=alpha)
    flat.putalpha(alpha)
    return flat


def loaded(picture: Image.Image, height: int, width: int) -> tuple[Tensor, Tensor]:
    """An RGBA picture as the networks see it.

    Returns:
        colours over grey, (3, height, width), and alpha, (height, width), both float32 in 0..1.
    """
    sized = np.asarray(picture.resize((width, height), Resampling.BICUBIC), dtype=np.float32) / 255
    pixels = torch.from_numpy(sized).permute(2, 0, 1)  # (4, H, W)
    colours, alpha = pixels[:3], pixels[3]
    return (colours * alpha + 0.5 * (1 - alpha)).contiguous(), alpha.contiguous()
