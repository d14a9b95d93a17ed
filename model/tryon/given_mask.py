"""A mask that a client sent: read as it was meant, or refused in one sentence that says what was seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import InputError
from model.pictures.alpha import over
from model.pictures.colour import srgb
from model.tryon.codes import TryOnCode

_DARK, _BRIGHT = 32, 224  # what lies between is neither black nor white
_PHOTO_FROM = 1 / 3  # share of such pixels from which on nobody can have meant a mask; soft edges have a few percent
_PHOTO_LEVELS = 16  # and at least so many different ones: fewer are a mask in a few greys
_HALF = 128
_COLOURED = 24  # levels between a pixel's strongest and weakest channel from which on it is no grey
_COLOURED_SHARE = 0.001  # of all pixels: fewer are a codec's noise


def mask_levels(picture: Image.Image, polarity: str) -> Image.Image:
    """L, bright where the client painted. Transparent parts are laid over the colour that keeps the person. A coloured
    stroke counts as bright as its strongest channel.

    Args:
        picture: L, RGB or RGBA.
        polarity: `white_repaints`, or `black_repaints`, whose levels stay as they are.

    Raises:
        InputError: `bad_mask`: it is a photo, or its levels do not go up to 255.
    """
    flat = srgb(over(picture, "black" if polarity == "white_repaints" else "white"))
    pixels = np.asarray(flat.convert("RGB"))
    levels = pixels.max(2)
    seen = pixels if picture.mode != "RGBA" else pixels[np.asarray(picture.getchannel("A")) == 255][None]
    if what := _not_a_mask(seen, holes=picture.mode == "RGBA"):
        raise _bad(f"the mask is {what}: send black where the person stays and white where to paint")
    if 0 < (brightest := int(levels.max())) < _HALF:
        message = f"the mask has values {int(levels.min())} to {brightest}, expected 0 to 255, white where to paint"
        raise _bad(message)
    return Image.fromarray(levels)


def _not_a_mask(pixels: NDArray[np.uint8], *, holes: bool) -> str | None:
    """What opaque pixels, (H, W, 3), show instead of a mask; None: they may be one."""
    if not pixels.size:
        return None
    levels = pixels.max(2)
    coloured = (levels - pixels.min(2) > _COLOURED).mean()
    between = levels[(levels > _DARK) & (levels < _BRIGHT)]
    if between.size > _PHOTO_FROM * levels.size and len(np.unique(between)) >= _PHOTO_LEVELS:
        kind = "a colour photo" if coloured > _COLOURED_SHARE else "a grey photo"
        return f"{kind} with transparent parts, not a mask" if holes else f"{kind}, not a mask"
    if coloured > _COLOURED_SHARE and levels.min() >= _BRIGHT and not holes:
        return "coloured strokes on white, not white ones on black"
    return None


def _bad(message: str) -> InputError:
    return InputError(message, code=TryOnCode.BAD_MASK, field="mask")
