"""Opening the client's pictures: upright, in eight bits, in a mode the pipeline knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pi_heif import register_heif_opener
from PIL import Image, ImageOps

from model.catvton.pictures import Size, fit_mask, stack
from model.catvton.request import Request
from model.errors import InputError

# Pillow can open much else, some of it by starting other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "BMP", "GIF", "TIFF")

register_heif_opener()  # what phones send

_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Inputs:
    """What the client sent, as pictures."""

    photo: Image.Image
    garments: list[Image.Image]  # RGB, one a pass; upper and lower are one picture by now
    mask: Image.Image | None  # of the photo's size, white where to paint


def read_inputs(request: Request, files: Mapping[str, Path]) -> Inputs:
    """Open a job's files.

    Raises:
        InputError: `image_unreadable` or `bad_mask`, naming the field.
    """
    photo = read_picture(files["person"], "person")
    return Inputs(photo, _garments(request, files), _mask(request, files, photo.size))


def _mask(request: Request, files: Mapping[str, Path], size: Size) -> Image.Image | None:
    if request.mask is None:
        return None
    return fit_mask(read_picture(files["mask"], "mask"), size, request.mask_polarity)


def _garments(request: Request, files: Mapping[str, Path]) -> list[Image.Image]:
    def read(field: str) -> Image.Image:
        return over_white(read_picture(files[field], field))

    if request.garments is not None:
        return [stack(read("garments.upper"), read("garments.lower"), request.garments_canvas)]
    return [read(name) for name in request.inputs() if name == "garment" or name.startswith("layers.")]


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
        raise InputError(message, code="image_unreadable", field=field) from error


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BITS:
        levels = np.asarray(picture, dtype=np.float64).clip(0, 65535) / 257
        return Image.fromarray(levels.round().astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture.convert("RGB")


def over_white(picture: Image.Image) -> Image.Image:
    """RGB with transparency laid over white. (The published code shows what lies under it, often black.)"""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
