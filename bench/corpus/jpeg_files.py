"""JPEG files as cameras, scanners and damaged cards leave them (ITU-T T.81)."""

from __future__ import annotations

import io
import struct

import numpy as np

from bench.corpus.odd_file import LOSSY, OddFile, clean, encoded, exif_of, seen
from bench.corpus.png_files import turned

_APP0, _APP1, _APP2, _APP13, _APP14, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_QUALITY = 95


def modes(rng: np.random.Generator) -> OddFile:
    """Grey, colour or inks; in one go or in scans; with restarts; any sampling."""
    picture = clean(rng)
    options: dict[str, object] = {
        "quality": _QUALITY,
        "progressive": bool(rng.random() < 0.5),
        "optimize": bool(rng.random() < 0.5),
        "subsampling": int(rng.integers(0, 3)),
    }
    if rng.random() < 0.4:
        options["restart_marker_blocks"] = int(rng.integers(1, 20))
    match rng.integers(0, 5):
        case 0:
            grey = picture.convert("L")
            return OddFile("grey JPEG", encoded(grey, "JPEG", **options), seen(grey), LOSSY)
        case 1:
            options |= {"keep_rgb": True, "subsampling": 0}
            return OddFile("JPEG of RGB", encoded(picture, "JPEG", **options), seen(picture), LOSSY)
        case 2:
            inks = picture.convert("CMYK")
            return OddFile("JPEG of inks", encoded(inks, "JPEG", **options), seen(inks), LOSSY)
        case 3:
            inks = picture.convert("CMYK")
            plain = without_segment(encoded(inks, "JPEG", **options), _APP14)
            return OddFile("JPEG of inks without Adobe's marker", plain, seen(inks), LOSSY)
    return OddFile("JPEG", encoded(picture, "JPEG", **options), seen(picture), LOSSY)


def segments(rng: np.random.Generator) -> OddFile:
    """An orientation among segments that nobody needs, fill bytes between them, rubbish behind the end."""
    orientation = int(rng.integers(1, 9))
    picture = clean(rng)
    content = encoded(picture, "JPEG", quality=_QUALITY, progressive=bool(rng.random() < 0.3))
    more = [
        segment(_APP1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x/>" * 8000),
        segment(_APP1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 60_000),
        segment(_APP2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        segment(_APP2, b"ICC_PROFILE\0\2\3" + b"\0" * 500),  # of which two parts are missing
        segment(_APP13, b"Photoshop 3.0\x008BIM" + bytes(rng.integers(0, 256, 900, dtype=np.uint8))),
        segment(_COMMENT, "naïve".encode("latin-1")),
        segment(_APP0, b"JFXX\0\x13" + b"\1\1" + b"\xff\xd8\xff" * 20),
        segment(0xEB, b"JP" + b"\xff" * 3000),
        b"\xff" * 5,
    ]
    chosen = [more[i] for i in rng.permutation(len(more))[:4]]
    chosen.insert(int(rng.integers(0, 5)), segment(_APP1, exif_of(orientation, rng)))
    odd = content[:2] + b"".join(chosen) + content[2:]
    odd += bytes(rng.integers(0, 256, int(rng.integers(0, 300)), dtype=np.uint8))
    return OddFile(f"JPEG with segments, orientation {orientation}", odd, seen(turned(picture, orientation)), LOSSY)


def two_pictures(rng: np.random.Generator) -> OddFile:
    """As cameras with two lenses write them: the first counts."""
    picture, other = clean(rng), clean(rng)
    buffer = io.BytesIO()
    picture.save(buffer, "MPO", save_all=True, append_images=[other], quality=_QUALITY)
    return OddFile("MPO", buffer.getvalue(), seen(picture), LOSSY)


def cut(rng: np.random.Generator) -> OddFile:
    """Without its end marker, or much more."""
    odd = modes(rng) if rng.random() < 0.7 else segments(rng)
    most = odd.content.rindex(b"\xff\xd9")
    at = most if rng.random() < 0.3 else int(rng.integers(0, most))
    return OddFile(f"{odd.name}, cut at {at} of {most}", odd.content[:at], odd.shown, LOSSY, whole=False)


def scratched(rng: np.random.Generator) -> OddFile:
    """Some bytes of its pixels overwritten: what it shows now, nobody can say."""
    odd = modes(rng)
    content = bytearray(odd.content)
    for _ in range(int(rng.integers(1, 6))):
        content[int(rng.integers(len(content) // 2, len(content)))] = int(rng.integers(0, 256))
    return OddFile(f"{odd.name}, scratched", bytes(content), None)


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def without_segment(jpeg: bytes, marker: int) -> bytes:
    """The file without its first segment of a kind."""
    at = jpeg.index(bytes([0xFF, marker]))
    (length,) = struct.unpack_from(">H", jpeg, at + 2)
    return jpeg[:at] + jpeg[at + 2 + length :]
