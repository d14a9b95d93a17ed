"""Transparency, read once: what is hidden is gone, and the rest is laid over a colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def alpha_without(picture: Image.Image, level: tuple[int, ...]) -> NDArray[np.uint8]:
    """(H, W): 0 where a grey or RGB picture has this level, 255 elsewhere."""
    pixels = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    hidden = pixels == level[0] if pixels.ndim == 2 else (pixels == level).all(-1)
    return np.where(hidden, np.uint8(0), np.uint8(255))


def with_alpha(picture: Image.Image, alpha: NDArray[np.uint8]) -> Image.Image:
    """RGBA of an L or RGB picture and its alpha, (H, W) uint8."""
    whole = picture.convert("RGB").convert("RGBA")
    whole.putalpha(Image.fromarray(alpha))
    return whole


def without_hidden(picture: Image.Image) -> Image.Image:
    """RGBA whose wholly transparent pixels are white: colours that somebody erased are not to come back."""
    hidden = picture.getchannel("A").point(lambda level: 0 if level else 255)
    shown = picture.copy()
    shown.paste((255, 255, 255, 0), mask=hidden)
    return shown


def is_opaque(picture: Image.Image) -> bool:
    """Whether nothing of it is transparent."""
    return picture.mode != "RGBA" or picture.getchannel("A").getextrema() == (255, 255)


def over(picture: Image.Image, colour: str) -> Image.Image:
    """RGB of a picture with transparency laid over a colour; L stays L."""
    if picture.mode != "RGBA":
        return picture
    canvas = Image.new("RGBA", picture.size, colour)
    flat = Image.alpha_composite(canvas, picture).convert("RGB")
    flat.info = dict(picture.info)
    return flat


def transparent_again(result: Image.Image, photo: Image.Image, cutout: Image.Image) -> Image.Image:
    """A pasted result with the photo's transparency: RGBA, its colours the cutout's where nothing was painted.

    Args:
        result: RGB, of any size.
        photo: what was painted into: the cutout over white.
        cutout: RGBA.
    """
    same_size = (picture.resize(result.size, Image.Resampling.LANCZOS) for picture in (photo, cutout))
    before, own = (np.asarray(picture) for picture in same_size)
    painted = np.asarray(result)
    touched = (painted != before).any(2, keepdims=True)
    return Image.fromarray(np.concatenate([np.where(touched, painted, own[..., :3]), own[..., 3:]], 2), "RGBA")
