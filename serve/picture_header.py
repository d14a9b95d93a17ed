"""How large a picture is, by its header alone. PNG, JPEG and WebP are read here, so that neither metadata nor a missing
end can be in the way."""

from __future__ import annotations

import io
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

from pi_heif import register_heif_opener
from PIL import Image

from model.pictures.jpeg import frame_size
from model.pictures.nclx import with_known_code_points

READ = ("a JPEG", "a PNG", "a WebP", "a HEIC")

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = 30  # bytes that say how large a PNG or a WebP is
_JPEG = b"\xff\xd8"
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_BRANDS = dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC") | {
    b"avif": "an AVIF",
    b"avis": "an AVIF",
    b"crx ": "a raw photo",
}
_KINDS = {
    _PNG + b"\0\0\0\x04CgBI": "a PNG packed for iPhone apps (CgBI), which nothing else reads",
    _PNG: "a PNG",
    _JPEG: "a JPEG",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF or a raw photo",
    b"MM\0*": "a TIFF or a raw photo",
    b"8BPS": "a Photoshop file",
    b"\0\0\1\0": "an icon",
    b"\0\0\0\x0cjP": "a JPEG 2000",
    b"\0\0\0\x0cJXL": "a JPEG XL",
    b"\xff\x0a": "a JPEG XL",
    b"%PDF": "a PDF",
    b"PK\3\4": "a ZIP archive",
    b"\x1f\x8b": "packed with gzip",
    b"glTF": "a GLB",
    b"<svg": "an SVG",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
    b"{": "JSON",
    b"data:image/": "a data: URI where the picture itself should be",
    b"iVBORw0KGgo": "base64 where the picture itself should be",
    b"/9j/": "base64 where the picture itself should be",
    b"version https://git-lfs": "a pointer of Git LFS",
}

register_heif_opener()  # what phones send
Image.MAX_IMAGE_PIXELS = None  # the service has a limit of its own, and checks it before anything is decoded


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height. Decodes nothing.

    Raises:
        OSError, SyntaxError, ValueError, struct.error: it does not begin like a picture of these formats.
    """
    with path.open("rb") as file:
        return size_in(file)


def size_in(file: BinaryIO) -> tuple[int, int]:
    """As `picture_size`, of an open file."""
    begin = file.read(_HEADER)
    if begin.startswith(_PNG) and begin[12:16] == b"IHDR" and len(begin) == _HEADER:
        width, height = unpack_from(">II", begin, 16)
        return width, height
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP" and len(begin) == _HEADER:
        return _webp_size(begin)
    begin += file.read()
    if begin.startswith(_JPEG):
        return frame_size(begin)
    with Image.open(io.BytesIO(with_known_code_points(begin)), formats=["HEIF"]) as picture:
        return picture.size


def kind_of(path: Path) -> str | None:
    """What a file is that begins like something known, in two or three words; None: of no such kind."""
    with path.open("rb") as file:
        begin = file.read(_HEADER)
    if not begin:
        return "empty"
    if begin[4:8] == b"ftyp":
        return _BRANDS.get(begin[8:12], "a film")
    if begin[:4] == b"RIFF":
        return "a WebP" if begin[8:12] == b"WEBP" else "a film"
    text = begin.lstrip(_BLANKS)
    if text != begin and text.startswith((_PNG, _JPEG, b"RIFF")):
        return "a picture with something before it, such as a line break; it must begin at the first byte"
    known = (kind for start, kind in _KINDS.items() if begin.startswith(start) or text.lower().startswith(start))
    return next(known, None)


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
