"""Results as files: no metadata but the photo's colour profile."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from model.errors import InputError
from model.pictures.alpha import transparent_again
from model.tryon.codes import TryOnCode
from model.tryon.pictures import black_and_white

ResultFormat = Literal["png", "jpeg", "webp"]

SUFFIXES: dict[ResultFormat, str] = {"png": "png", "jpeg": "jpg", "webp": "webp"}
QUALITY = 95  # of JPEG and WebP: 100 takes 1.6 times the bytes for nothing that is seen
OMOIB_QUALITY = 75  # Pillow's default, as that backend's pictures have always had
_PNG_EFFORT = 4  # of zlib: on smooth pictures half the time of its default, 6, for files a sixteenth larger
_MAX_SIDE = {"png": 2**31 - 1, "jpeg": 65_500, "webp": 16_383}  # what the formats can hold


class Album:
    """Where a job's pictures go.

    Args:
        photo: whose colour profile the results keep.
        format: of the results.
        folder: where they go.
        max_pixels: a larger picture is shrunk to this.
        quality: of JPEG and WebP, 0..100.
        max_side: no side of a result is longer.
        cutout: RGBA, the photo whose transparency the results have; None: they have none.
    """

    def __init__(
        self,
        photo: Image.Image,
        format: ResultFormat,
        folder: Path,
        max_pixels: int = 2**25,
        quality: int = QUALITY,
        cutout: Image.Image | None = None,
        max_side: int | None = None,
    ) -> None:
        self._max_side = max_side
        self._photo = photo
        self._cutout = cutout
        self._colour_profile = colour_profile(photo)
        self._format: ResultFormat = format
        self._folder = folder
        self._max_pixels = max_pixels
        self._quality = quality

    def save(self, picture: Image.Image, name: str) -> None:
        """Write `{name}.png` (or `jpg`, `webp`).

        Raises:
            InputError: the picture has a longer side than the format can hold.
        """
        if self._cutout is not None:
            picture = transparent_again(picture, self._photo, self._cutout)
        self._write(self._sized(picture), name, self._format, self._colour_profile)

    def save_mask(self, mask: Image.Image, name: str, format: ResultFormat = "png") -> None:
        """Write a mask, black and white whatever it was; in a format that keeps it so unless told otherwise.

        Raises:
            InputError: the mask has a longer side than the format can hold.
        """
        self._write(black_and_white(self._sized(mask.convert("L"))), name, format, None)

    def _sized(self, picture: Image.Image) -> Image.Image:
        small = shrink(picture, self._max_pixels)
        if self._max_side is not None and max(small.size) > self._max_side:
            scale = self._max_side / max(small.size)
            width, height = (max(1, round(scale * side)) for side in small.size)
            small = small.resize((width, height), Resampling.LANCZOS)
        return small

    def _write(self, picture: Image.Image, name: str, format: ResultFormat, profile: bytes | None) -> None:
        if max(picture.size) > _MAX_SIDE[format]:
            message = f"a result of {picture.width} x {picture.height} pixels does not fit into {format}"
            raise InputError(message, code=TryOnCode.FORMAT_TOO_SMALL, field="output.format")
        bare = Image.fromarray(np.asarray(picture))
        file = self._folder / f"{name}.{SUFFIXES[format]}"
        bare.save(file, format, quality=self._quality, compress_level=_PNG_EFFORT, icc_profile=profile)


def numbered(name: str, sample: int) -> str:
    """`result`, `result_1`, ...: the first sample is mostly the only one."""
    return f"{name}_{sample}" if sample else name


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
