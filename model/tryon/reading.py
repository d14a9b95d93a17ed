"""A try-on's pictures, as the pipeline needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model.reading import read_picture
from model.tryon.pictures import Size, fit_mask, stack
from model.tryon.request import TryOnRequest


@dataclass(frozen=True)
class Inputs:
    """What the client sent, as pictures."""

    photo: Image.Image
    garments: list[Image.Image]  # RGB, one a pass; upper and lower are one picture by now
    mask: Image.Image | None  # of the photo's size, white where to paint


def read_inputs(request: TryOnRequest, files: Mapping[str, Path]) -> Inputs:
    """Open a job's files.

    Raises:
        InputError: `image_unreadable` or `bad_mask`, naming the field.
    """
    photo = read_picture(files["person"], "person")
    return Inputs(photo, _garments(request, files), _mask(request, files, photo.size))


def _mask(request: TryOnRequest, files: Mapping[str, Path], size: Size) -> Image.Image | None:
    if request.mask is None:
        return None
    return fit_mask(read_picture(files["mask"], "mask"), size, request.mask_polarity)


def _garments(request: TryOnRequest, files: Mapping[str, Path]) -> list[Image.Image]:
    def read(field: str) -> Image.Image:
        return over_white(read_picture(files[field], field))

    if request.garments is not None:
        return [stack(read("garments.upper"), read("garments.lower"), request.garments_canvas)]
    return [read(name) for name in request.inputs() if name == "garment" or name.startswith("layers.")]


def over_white(picture: Image.Image) -> Image.Image:
    """RGB with transparency laid over white. (The published code shows what lies under it, often black.)"""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")
