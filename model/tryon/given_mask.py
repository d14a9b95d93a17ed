"""A mask that a client sent: read as it was meant, or refused in one sentence that says what was seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.errors import InputError
from model.pictures.alpha import is_opaque, over
from model.pictures.colour import srgb
from model.tryon.codes import TryOnCode

_DARK, _BRIGHT = 32, 224  # what lies between is neither black nor white
_PHOTO_FROM = 1 / 3  # share of such pixels from which on nobody can have meant a mask; soft edges have a few percent
_PHOTO_LEVELS = 4  # and at least so many different ones: fewer are a mask in a few greys
_HALF = 128  # of 255: from here on a pixel is painted
_COLOURED = 24  # levels between a pixel's strongest and weakest channel from which on it is no grey
_COLOURED_SHARE = 0.001  # of all pixels: fewer are a codec's noise
_EDGE_SHARE = 0.1  # of coloured pixels: so many others may be darker than white, where a stroke ends
_WHOLE = {"white_repaints": ("black", "white"), "black_repaints": ("white", "black")}  # what keeps, what paints


def mask_levels(picture: Image.Image, polarity: str) -> Image.Image:
    """L, bright where the client painted. Transparent parts are laid over the colour that keeps the person. A coloured
    stroke counts as bright as its strongest channel.

    Args:
        picture: L, RGB or RGBA.
        polarity: `white_repaints`, or `black_repaints`, whose levels stay as they are.

    Raises:
        InputError: `bad_mask`: it is a photo, or its levels do not go from black to white.
    """
    flat = srgb(over(picture, "black" if polarity == "white_repaints" else "white"))
    pixels = np.asarray(flat.convert("RGB"))
    levels = pixels.max(2)
    seen = pixels if picture.mode != "RGBA" else pixels[np.asarray(picture.getchannel("A")) == 255][None]
    if what := _not_a_mask(seen, holes=picture.mode == "RGBA"):
        raise _bad(f"the mask is {what}: send black where the person stays and white where to paint")
    lowest, highest, most = _range(picture, levels)
    if 0 < highest <= most // 2 or most // 2 < lowest < _BRIGHT * most // 255:
        raise _bad(f"the mask has values {lowest} to {highest}, expected 0 to {most}, white where to paint")
    return Image.fromarray(levels)


def refuse_empty(picture: Image.Image, levels: Image.Image, polarity: str) -> None:
    """Say what was seen in a mask that paints nothing.

    Args:
        picture: as it was sent. levels: what `mask_levels` made of it.

    Raises:
        InputError: `mask_empty`.
    """
    keeps, paints = _WHOLE[polarity]
    if set(levels.getextrema()) != {255 if keeps == "white" else 0}:
        return
    where = f"{keeps} everywhere"
    if not is_opaque(picture):
        hidden = picture.getchannel("A").getextrema() == (0, 0)
        where = "transparent everywhere" if hidden else f"{keeps} wherever it is not transparent"
    message = f"the mask is {where}: make it {paints} where to paint, or name the other 'mask_polarity'"
    raise InputError(message, code=TryOnCode.MASK_EMPTY, field="mask")


def _range(picture: Image.Image, levels: NDArray[np.uint8]) -> tuple[int, int, int]:
    """The lowest and highest level as they stand in the file, and the most it could hold."""
    if "sixteen_bits" in picture.info:
        return (*picture.info["sixteen_bits"], 65535)
    return int(levels.min()), int(levels.max()), 255


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
    if coloured > _COLOURED_SHARE and not holes:
        return _in_colours(levels, levels - pixels.min(2) > _COLOURED)
    return None


def _in_colours(levels: NDArray[np.uint8], coloured: NDArray[np.bool_]) -> str | None:
    """What is seen where nothing but white is beside colours; both (H, W). None: white on black, more or less, or white
    on a dark colour."""
    edges = np.count_nonzero(~coloured & (levels < _BRIGHT))
    if edges > _EDGE_SHARE * np.count_nonzero(coloured):
        return None
    if coloured.mean() < 0.5:
        return "coloured strokes on white, not white ones on black"
    return "white strokes on a coloured ground, not on black" if levels[coloured].min() >= _HALF else None


def _bad(message: str) -> InputError:
    return InputError(message, code=TryOnCode.BAD_MASK, field="mask")
