"""From the client's photos to what the networks see: upright, one person, centred, on grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from model.pictures.alpha import is_opaque, with_alpha
from model.pictures.colour import srgb
from model.pictures.reading import Warn, read_picture, unheard

FRAMED_SIZE, FRAMED_RATIO = 1024, 0.925  # as published; the ratio is 1.85 / 2
_GREY = 127  # int(255 / 2): the published ground


def read_photo(file: Path, field: str, warn: Warn = unheard) -> Image.Image:
    """A photo, upright and in sRGB: RGBA if it is transparent somewhere, else RGB.

    Raises:
        InputError: `image_unreadable`, naming `field`.
    """
    picture = read_picture(file, field, warn)
    if is_opaque(picture):
        return srgb(picture.convert("RGB"))
    colours = srgb(picture.convert("RGB"))
    return with_alpha(colours, np.asarray(picture.getchannel("A")))


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
