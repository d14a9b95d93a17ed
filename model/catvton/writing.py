"""Results as files: RGB, no metadata but the photo's colour profile."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from model.errors import InputError

Format = Literal["png", "jpeg", "webp"]

SUFFIXES: dict[Format, str] = {"png": "png", "jpeg": "jpg", "webp": "webp"}
_QUALITY = 95  # of JPEG and WebP
_MAX_SIDE = {"png": 2**31 - 1, "jpeg": 65_500, "webp": 16_383}  # what the formats can hold


def save_results(results: list[Image.Image], folder: Path, format: Format, colour_profile: bytes | None) -> None:
    """Write `result.png`, `result_1.png`, ... (or `jpg`, `webp`).

    Raises:
        InputError: the result has a longer side than the format can hold.
    """
    for i, result in enumerate(results):
        if max(result.size) > _MAX_SIDE[format]:
            message = f"a result of {result.width} x {result.height} pixels does not fit into {format}"
            raise InputError(message, code="format_too_small", field="output.format")
        name = f"result_{i}" if i else "result"
        bare = Image.fromarray(np.asarray(result))
        file = folder / f"{name}.{SUFFIXES[format]}"
        bare.save(file, format, quality=_QUALITY, icc_profile=colour_profile)


def colour_profile(photo: Image.Image) -> bytes | None:
    """The photo's RGB profile. Its pixels were never converted, so they still mean the colours it says."""
    profile = photo.info.get("icc_profile")
    return profile if profile and profile[16:20] == b"RGB " else None


def shrink(picture: Image.Image, max_pixels: int) -> Image.Image:
    """The picture, at most `max_pixels` large."""
    width, height = picture.size
    if width * height <= max_pixels:
        return picture
    scale = (max_pixels / (width * height)) ** 0.5
    return picture.resize((max(1, int(width * scale)), max(1, int(height * scale))), Resampling.LANCZOS)
