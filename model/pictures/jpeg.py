"""JPEG files taken apart (ITU-T T.81): what is not pixels, colour or orientation is left out."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from struct import unpack_from

import numpy as np
from PIL import Image

from model.pictures.bare import MAX_PROFILE_BYTES, Bare, orientation_in
from model.pictures.ending import EndsEarlyError

SIGNATURE = b"\xff\xd8\xff"

_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA  # this and the following are second bytes of markers
_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_NO_MARKER = (b"\0", b"\xff")  # behind a byte of 255: that byte itself, or one that only fills
_COEFFICIENTS = 64  # of a block
_SHOWN_FROM = 0.98  # of the picture: what browsers would show with hardly anything missing
# What no encoder writes, so that pixels which are not in the file look otherwise when this follows it.
_NOISE = np.random.default_rng(0).integers(0, 255, 4096, dtype=np.uint8).tobytes()


def bare_jpeg(content: bytes) -> Bare:
    """Raises:
    ValueError, struct.error: the segments before the pixels are damaged.
    """
    kept, exif = [_START_OF_IMAGE], b""
    parts: dict[int, bytes] = {}
    end = 2
    while True:
        at, marker, end = _segment(content, end)
        data = content[at + 4 : end]
        if marker == _SCAN:
            kept.append(content[at:])
            return Bare(b"".join(kept), _profile(parts), orientation_in(exif))
        if data.startswith(_EXIF) and not exif:
            exif = data
        elif data.startswith(_ICC) and len(data) > len(_ICC) + 2:
            parts[data[len(_ICC)]] = data[len(_ICC) + 1 :]
        elif marker in (_JFIF, _ADOBE) or marker not in (*_APPLICATION, _COMMENT):
            kept.append(content[at:end])


def frame_size(content: bytes) -> tuple[int, int]:
    """Width and height, by the frame header (B.2.2), whatever stands before it.

    Raises:
        ValueError, struct.error: there is none.
    """
    end = 2
    while True:
        at, marker, end = _segment(content, end)
        if marker == _SCAN:
            raise ValueError("no frame before the pixels")
        if marker in _FRAMES:
            height, width = unpack_from(">HH", content, at + 5)
            return width, height


def _segment(content: bytes, at: int) -> tuple[int, int, int]:
    """The segment at a place or behind what stands there in its stead: where it begins, its marker, where it ends."""
    while content[at : at + 1] != b"\xff" or content[at + 1 : at + 2] in _NO_MARKER:
        at = content.index(b"\xff", at + 1)
    (marker, length) = unpack_from(">BH", content, at + 1)
    if length < 2:
        raise ValueError("a segment without a length")
    return at, marker, at + 2 + length


def _profile(parts: dict[int, bytes]) -> bytes | None:
    """From numbered parts, each after the byte that says how many there are."""
    numbers = sorted(parts)
    if not parts or numbers != list(range(1, parts[numbers[0]][0] + 1)):
        return None
    profile = b"".join(parts[number][1:] for number in numbers)
    return profile if len(profile) <= MAX_PROFILE_BYTES else None


def with_end(content: bytes) -> bytes:
    """A file that lacks its end marker, with one.

    Raises:
        EndsEarlyError: pixels are missing too.
    """
    cut = content.rstrip(b"\xff")
    whole, disturbed = (_decoded(cut + ending + _END_OF_IMAGE) for ending in (b"", _NOISE))
    missing = np.flatnonzero((whole != disturbed).reshape(len(whole), -1).any(1))
    rows = missing[0] if len(missing) else len(whole)
    share = _share(cut, rows / len(whole))
    if share < _SHOWN_FROM:
        raise EndsEarlyError(share)
    return cut + _END_OF_IMAGE


def _decoded(content: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            return np.asarray(picture)
    except OSError:
        raise EndsEarlyError(0.0) from None


@dataclass(frozen=True)
class _Scan:
    """Which coefficients of which components a scan brings, and how many of their last bits it leaves out."""

    components: bytes
    coefficients: range
    bits_left: int


def _share(content: bytes, last_scan: float) -> float:
    """How much of all coefficients is there, 0..1; one that lacks its last bit counts half. last_scan: how much of the
    file's last scan is there."""
    scans, components = _scans(content)
    known: dict[tuple[int, int], float] = defaultdict(float)
    for number, scan in enumerate(scans, 1):
        share = last_scan if number == len(scans) else 1.0
        for coefficient in product(scan.components, scan.coefficients):
            known[coefficient] += share * (2.0**-scan.bits_left - known[coefficient])
    return sum(known.values()) / (components * _COEFFICIENTS)


def _scans(content: bytes) -> tuple[list[_Scan], int]:
    """All scans of a file, and how many components it has."""
    scans, components, end = [], 0, 2
    while end + 4 <= len(content):
        at, marker, end = _segment(content, end)
        if marker in _FRAMES:
            components = content[at + 9]
        if marker == _SCAN:
            count = content[at + 4]
            first, last, bits = content[at + 5 + 2 * count : at + 8 + 2 * count]
            of = content[at + 5 : at + 5 + 2 * count : 2]
            scans.append(_Scan(of, range(first, last + 1), bits & 15))
            end = _next_marker(content, end)
    return scans, components


def _next_marker(content: bytes, at: int) -> int:
    """Where the first marker stands behind entropy-coded data, which has only escaped ones and restarts."""
    while (at := content.find(b"\xff", at)) >= 0 and at + 1 < len(content):
        if content[at + 1] != 0 and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 2
    return len(content)
