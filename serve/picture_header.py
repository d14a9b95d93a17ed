"""How large a picture is, by its header alone. PNG, JPEG and WebP are read here, so that neither metadata nor a missing
end can be in the way."""

from __future__ import annotations

from pathlib import Path
from struct import error as StructError
from struct import unpack, unpack_from
from typing import BinaryIO

from pi_heif import register_heif_opener
from PIL import Image

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = 30  # bytes that say how large a PNG or a WebP is
_JPEG = b"\xff\xd8"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA

register_heif_opener()  # what phones send
Image.MAX_IMAGE_PIXELS = None  # the service has a limit of its own, and checks it before anything is decoded


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height. Decodes nothing.

    Raises:
        OSError, SyntaxError, ValueError: it does not begin like a picture of these formats.
    """
    with path.open("rb") as file:
        begin = file.read(_HEADER)
        if begin.startswith(_PNG) and begin[12:16] == b"IHDR" and len(begin) == _HEADER:
            width, height = unpack_from(">II", begin, 16)
            return width, height
        if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP" and len(begin) == _HEADER:
            return _webp_size(begin)
        if begin.startswith(_JPEG):
            return _jpeg_size(file)
    with Image.open(path, formats=PICTURE_FORMATS) as picture:
        return picture.size


def _webp_size(begin: bytes) -> tuple[int, int]:
    """By the first chunk (RFC 9649)."""
    match begin[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(begin[at : at + 3], "little") + 1 for at in (24, 27))
        case b"VP8L":
            bits = int.from_bytes(begin[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in unpack_from("<HH", begin, 26))
        case _:
            raise ValueError("no WebP chunk comes first")
    return width, height


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """By the frame header (ITU-T T.81, B.2.2), whatever stands before it."""
    file.seek(len(_JPEG))
    try:
        while True:
            filler, marker, length = unpack(">BBH", file.read(4))
            if filler != 0xFF or marker == _SCAN or length < 2:
                raise ValueError("no frame before the pixels")
            if marker in _FRAMES:
                _, height, width = unpack(">BHH", file.read(5))
                return width, height
            file.seek(length - 2, 1)
    except StructError as error:
        raise ValueError("it ends before its frame") from error
