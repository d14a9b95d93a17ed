"""Putting the painted part back into the photo, so that all else stays the photo's, pixel for pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from PIL.Image import Resampling

from model.pictures.colour import in_space, profile_of
from model.tryon.crop import scaled
from model.tryon.pictures import Box, black_and_white, crop_box, cut
from model.tryon.writing import shrink


def paste_back(
    photo: Image.Image, result: Image.Image, mask: Image.Image | None, max_pixels: int, box: Box | None = None
) -> Image.Image:
    """Blend the painted result into the part of the photo it was painted from.

    Args:
        photo: as the client sent it.
        result: sRGB at the size the networks worked at.
        mask: of the photo's size, white where to paint; None: the result replaces that whole part.
        max_pixels: a larger photo is shrunk to this first.
        box: the part of the photo that the result shows, maybe beyond it; None: the centred one of its aspect.

    Returns:
        RGB in the photo's colour space. Every pixel outside that part, or where the blurred mask is 0, is the photo's
        (or the shrunk photo's).
    """
    pasted = shrink(photo.convert("RGB"), max_pixels).copy()
    box = crop_box(pasted.size, result.size) if box is None else scaled(box, photo.size, pasted.size)
    part = cut(pasted, box)
    painted = in_space(result, profile_of(photo)).resize(part.size, Resampling.LANCZOS)
    if mask is not None:
        if mask.size != pasted.size:
            mask = mask.resize(pasted.size, Resampling.BILINEAR)
        painted = blend(part, painted, cut(mask.convert("L"), box))
    left, top = max(box[0], 0), max(box[1], 0)
    inside = painted.crop((left - box[0], top - box[1], *painted.size))
    pasted.paste(inside, (left, top))
    return pasted


def blend(person: Image.Image, result: Image.Image, mask: Image.Image) -> Image.Image:
    """Person where the mask is black, result where it is white, and a soft seam 1/50 of the height wide.

    All three have the same size. The seam and the rounding are the published evaluation script's.
    """
    soft = black_and_white(mask).filter(ImageFilter.GaussianBlur(seam_radius(mask.height)))
    blended = person.copy()
    if box := soft.getbbox():  # all else is the person's, and large photos are mostly that
        share = np.asarray(soft.crop(box))[..., None] / 255  # (h, w, 1)
        mixed = np.asarray(person.crop(box)) * (1 - share) + np.asarray(result.crop(box)) * share
        blended.paste(Image.fromarray(mixed.astype(np.uint8)), box)
    return blended


def seam_radius(height: int) -> int:
    """Radius in pixels, always odd."""
    radius = height // 50
    return radius + 1 if radius % 2 == 0 else radius
