"""What of a picture's file decides how it looks: its pixels, colour profile, orientation and transparent level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import error as StructError
from struct import unpack_from

from PIL import Image

MAX_PROFILE_BYTES = 4 * 2**20  # of a colour profile; a larger one is taken for none

_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112  # EXIF's tag
_FORMATS = {1: "B", 3: "H", 4: "I"}  # EXIF's types of whole numbers
_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Bare:
    """A file without its metadata.

    content: what a decoder needs. profile: ICC. orientation: EXIF's, 1..8.
    transparent: the one level, or red, green and blue, that a PNG says is transparent, in the decoded picture's levels.
    whole_without_end: the pixels are all there, but the file's end is not.
    """

    content: bytes
    profile: bytes | None = None
    orientation: int = 1
    transparent: tuple[int, ...] | None = None
    whole_without_end: bool = False


def orientation_in(exif: bytes) -> int:
    """1..8 as EXIF has it; 1 where it does not say. Nothing else is read, so nothing else can be wrong with it."""
    tiff = exif
    while tiff.startswith(_EXIF):  # which some programs write twice
        tiff = tiff.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = unpack_from(f"{order}I", tiff, 4)
        (entries,) = unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = unpack_from(f"{order}HH", tiff, entry)
            if tag == _ORIENTATION and kind in _FORMATS:
                (value,) = unpack_from(f"{order}{_FORMATS[kind]}", tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except StructError:
        pass
    return 1


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as it was to be seen. orientation: 1..8."""
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture
