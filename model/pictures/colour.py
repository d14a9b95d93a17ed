"""Colours by their profiles: networks are shown sRGB, and what they paint goes back into the photo's space."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_SAME = 2  # levels that a profile may differ from sRGB by and be taken for it
_LATTICE = 9  # colours a channel that are tried to see it
_KINDS = {b"RGB ": "RGB", b"CMYK": "CMYK", b"GRAY": "L"}
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


def profile_of(picture: Image.Image) -> bytes | None:
    """The ICC profile that says what the picture's numbers mean; None: sRGB."""
    profile: bytes | None = picture.info.get("icc_profile")
    return profile


def usable(profile: bytes | None, mode: str) -> bytes | None:
    """The profile, if it can be read and is for pictures of this mode: RGB, CMYK or L."""
    if not profile or _KINDS.get(profile[16:20]) != mode:
        return None
    try:
        _to_srgb(profile)
    except (ImageCms.PyCMSError, OSError):
        return None
    return profile


def srgb(picture: Image.Image) -> Image.Image:
    """An RGB, CMYK or L picture in sRGB, by its profile; itself if it is. An RGB picture's result has no profile."""
    profile = usable(profile_of(picture), picture.mode)
    if profile is None or (picture.mode == "RGB" and _is_srgb(profile)):
        return picture
    converted = ImageCms.applyTransform(picture, _to_srgb(profile))
    if converted is None:
        raise ValueError("nothing was converted")
    converted.info.pop("icc_profile", None)
    return converted.convert("L") if picture.mode == "L" else converted


def in_space(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """An RGB picture, which is sRGB, in the space of an RGB profile; None: sRGB."""
    profile = usable(profile, "RGB")
    if profile is None or _is_srgb(profile):
        return picture
    converted = ImageCms.applyTransform(picture, _from_srgb(profile))
    if converted is None:
        raise ValueError("nothing was converted")
    return converted


@lru_cache(8)
def _to_srgb(profile: bytes) -> ImageCms.ImageCmsTransform:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _KINDS[profile[16:20]]
    return ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB", _INTENT, _FLAGS)


@lru_cache(8)
def _from_srgb(profile: bytes) -> ImageCms.ImageCmsTransform:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), opened, "RGB", "RGB", _INTENT, _FLAGS)


@lru_cache(8)
def _is_srgb(profile: bytes) -> bool:
    levels = np.linspace(0, 255, _LATTICE).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    seen = ImageCms.applyTransform(Image.fromarray(colours), _to_srgb(profile))
    return bool(np.abs(np.asarray(seen).astype(int) - colours).max() <= _SAME)
