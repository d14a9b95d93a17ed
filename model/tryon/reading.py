"""A try-on's pictures, as the pipeline needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model.pictures.alpha import is_opaque, over
from model.pictures.colour import srgb
from model.pictures.reading import Warn, read_picture, unheard
from model.tryon.given_mask import mask_levels, refuse_empty
from model.tryon.pictures import Size, fit_mask, stack
from model.tryon.request import TryOnRequest


@dataclass(frozen=True)
class TryOnInputs:
    """What the client sent, as pictures."""

    photo: Image.Image  # RGB in its own colour space, what is transparent of it over white
    garments: list[Image.Image]  # RGB and sRGB, one a pass; upper and lower are one picture by now
    mask: Image.Image | None  # L, of the photo's size, white where to paint
    cutout: Image.Image | None = None  # RGBA, the photo with its transparency, if it has any


def read_inputs(request: TryOnRequest, files: Mapping[str, Path], warn: Warn = unheard) -> TryOnInputs:
    """Open a job's files.

    Args:
        warn: told of what is wrong with a picture and does not matter.

    Raises:
        InputError: `image_unreadable`, `bad_mask` or `mask_empty`, naming the field.
    """
    photo = read_picture(files["person"], "person", warn)
    cutout = None if is_opaque(photo) else photo
    return TryOnInputs(
        over_white(photo), _garments(request, files, warn), _mask(request, files, photo.size, warn), cutout
    )


def _mask(request: TryOnRequest, files: Mapping[str, Path], size: Size, warn: Warn) -> Image.Image | None:
    if request.mask is None:
        return None
    sent = read_picture(files["mask"], "mask", warn)
    levels = mask_levels(sent, request.mask_polarity)
    if not request.may_paint_nothing():
        refuse_empty(sent, levels, request.mask_polarity)
    return fit_mask(levels, size, request.mask_polarity)


def _garments(request: TryOnRequest, files: Mapping[str, Path], warn: Warn) -> list[Image.Image]:
    def read(field: str) -> Image.Image:
        return srgb(over_white(read_picture(files[field], field, warn)))

    if request.garments is not None:
        return [stack(read("garments.upper"), read("garments.lower"), request.garments_canvas)]
    return [read(name) for name in request.inputs() if name == "garment" or name.startswith("layers.")]


def over_white(picture: Image.Image) -> Image.Image:
    """RGB with transparency laid over white. (The published code shows what lies under it, often black.)"""
    return over(picture, "white").convert("RGB")
