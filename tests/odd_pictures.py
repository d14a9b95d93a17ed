"""Files as cameras, phones, browsers and painting programs write them, damaged or merely unusual."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from model.pictures.nclx import matrix_profile
from tests.conftest import encode

PNG_BODY = 33  # bytes of a PNG before its second chunk
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
P3 = matrix_profile(((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65, (2.2,), "wide")
ADOBE = matrix_profile(((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)), D65, (2.19921875,), "wider")
PROPHOTO = matrix_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), D50, (1.8,), "widest")


def chunk(kind: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    """A PNG chunk, maybe with a wrong checksum."""
    checksum = zlib.crc32(kind + data) ^ damaged
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(png: bytes, kind: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    """A PNG with a further chunk behind its header."""
    return png[:PNG_BODY] + chunk(kind, data, damaged=damaged) + png[PNG_BODY:]


def before_end(png: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG with a further chunk behind its pixels."""
    return png[:-12] + chunk(kind, data) + png[-12:]


def bare_png(width: int, height: int, depth: int, kind: int, rows: Sequence[bytes], *extra: bytes) -> bytes:
    """A PNG of raw rows, with further chunks before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = b"".join([chunk(b"IHDR", header), *extra, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])
    return b"\x89PNG\r\n\x1a\n" + body


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF of these entries: tag, type, count, value (as it is stored, in little-endian order)."""
    start, body, values = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, count, value in entries:
        field = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(values))
        values += value if len(value) > 4 else b""
        body += struct.pack("<HHI", tag, kind, count) + field
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + b"\0\0\0\0" + values


def orientation(number: int) -> tuple[int, int, int, bytes]:
    return 0x0112, 3, 1, struct.pack("<H", number)


def segment(marker: int, data: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG with a further segment in front."""
    return jpeg[:2] + segment(marker, data) + jpeg[2:]


def grey16(levels: np.ndarray, transparent: int) -> bytes:
    """A grey PNG of sixteen bits, one level of which is transparent."""
    rows = [row.astype(">u2").tobytes() for row in levels]
    height, width = levels.shape
    return bare_png(width, height, 16, 0, rows, chunk(b"tRNS", struct.pack(">H", transparent)))


def named(picture: Image.Image, profile: bytes) -> bytes:
    """A PNG with a colour profile."""
    return encode(picture, icc_profile=profile)
