"""Opening the client's pictures: upright, in eight bits, in a mode the pipelines know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pi_heif import register_heif_opener
from PIL import Image, ImageOps

from model.codes import CommonCode
from model.errors import InputError

# Pillow can open much else, some of it by starting other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "BMP", "GIF", "TIFF")

register_heif_opener()  # what phones send

_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_picture(file: Path, field: str) -> Image.Image:
    """The picture as its author sees it, of mode L, RGB or RGBA.

    Raises:
        InputError: `image_unreadable`, naming `field`.
    """
    try:
        with Image.open(file, formats=FORMATS) as opened:
            opened.load()
            return _eight_bits(ImageOps.exif_transpose(opened))
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        message = f"{field} cannot be read as a picture ({type(error).__name__})"
        raise InputError(message, code=CommonCode.IMAGE_UNREADABLE, field=field) from error


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BITS:
        levels = np.asarray(picture, dtype=np.float64).clip(0, 65535) / 257
        return Image.fromarray(levels.round().astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture.convert("RGB")
