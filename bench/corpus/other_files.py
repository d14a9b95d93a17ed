"""WebP and HEIC files, colour profiles, and what is no picture at all."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from bench.corpus.odd_file import LOSSLESS, LOSSY, OddFile, chunk, clean, encoded, exif_of, seen, with_hole
from bench.corpus.png_files import turned
from model.pictures.nclx import matrix_profile

_HEIC = Path(__file__).parents[2] / "tests/data/gradient.heic"
_D65, _D50 = (0.3127, 0.3290), (0.3457, 0.3585)
_PROFILES = {
    "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "P3": matrix_profile(((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _D65, (2.2,), "P3"),
    "Adobe RGB": matrix_profile(((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)), _D65, (2.19921875,), "Adobe"),
    "ProPhoto": matrix_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), _D50, (1.8,), "ProPhoto"),
    "broken": b"\0" * 3000,
    "a Lab one": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
}


def webp(rng: np.random.Generator) -> OddFile:
    """Lossy or not, with a hole, moving, turned, with a profile; whole or cut."""
    orientation = int(rng.integers(1, 9))
    picture = with_hole(rng, clean(rng)) if rng.random() < 0.4 else clean(rng)
    lossless, moving = bool(rng.random() < 0.5), bool(rng.random() < 0.3)
    options: dict[str, object] = {"lossless": lossless, "quality": 100 if lossless else 97, "exact": True}
    options |= {"exif": exif_of(orientation, rng)}
    if moving:
        options |= {"save_all": True, "append_images": [clean(rng).resize(picture.size)], "duration": 100}
        options |= {"minimize_size": False, "kmin": 0, "kmax": 0}
    if rng.random() < 0.3:
        options["icc_profile"] = _PROFILES["P3"]
    content = encoded(picture, "WEBP", **options)
    levels = LOSSLESS if lossless else LOSSY
    name = f"{'moving ' * moving}WebP, orientation {orientation}"
    if rng.random() < 0.25:
        at = int(rng.integers(0, len(content)))
        return OddFile(f"{name}, cut at {at}", content[:at], seen(turned(picture, orientation)), levels, whole=False)
    return OddFile(name, content, seen(turned(picture, orientation)), levels)


def heic(rng: np.random.Generator) -> OddFile:
    """A phone's, with other code points; whole, cut or scratched."""
    content = _HEIC.read_bytes()
    with Image.open(_HEIC) as picture:
        shown = np.asarray(picture.convert("RGB"))
    primaries, transfer = int(rng.choice([1, 2, 9, 12, 200])), int(rng.choice([1, 2, 8, 13, 200]))
    content = content.replace(b"nclx\0\x01\0\x0d", struct.pack(">4sHH", b"nclx", primaries, transfer))
    name = f"HEIC, primaries {primaries}, transfer {transfer}"
    match rng.integers(0, 3):
        case 0:
            at = int(rng.integers(0, len(content)))
            return OddFile(f"{name}, cut at {at}", content[:at], shown, LOSSY, whole=False)
        case 1:
            scratched = bytearray(content)
            scratched[int(rng.integers(12, len(content)))] ^= int(rng.integers(1, 256))
            return OddFile(f"{name}, scratched", bytes(scratched), None)
    return OddFile(name, content, shown, LOSSY)


def profiles(rng: np.random.Generator) -> OddFile:
    """A profile in any format: pixels stay what they are."""
    name = str(rng.choice(list(_PROFILES)))
    kind = str(rng.choice(["PNG", "JPEG", "WEBP"]))
    picture = clean(rng)
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    content = encoded(picture, kind, icc_profile=_PROFILES[name], **options)
    return OddFile(f"{kind} with the profile {name}", content, seen(picture), LOSSY if kind == "JPEG" else LOSSLESS)


def no_pictures(rng: np.random.Generator) -> OddFile:
    """Files of other kinds, and heads without a body."""
    picture = clean(rng)
    kinds: dict[str, bytes] = {
        "nothing": b"",
        "one byte": b"\x89",
        "text": b"kein Bild",
        "JSON": b'{"person": null}',
        "a page": b"<!doctype html><title>404</title>",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "a ZIP": b"PK\3\4" + b"\0" * 60,
        "GIF": encoded(picture.convert("P"), "GIF"),
        "BMP": encoded(picture, "BMP"),
        "TIFF": encoded(picture, "TIFF"),
        "ICO": encoded(picture, "ICO"),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40,
        "a film": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0" * 60,
        "PNG's signature": b"\x89PNG\r\n\x1a\n",
        "JPEG's signature": b"\xff\xd8\xff\xe0",
        "WebP's signature": b"RIFF\x10\0\0\0WEBPVP8 ",
        "a PNG of no width": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0)) * 2,
        "a huge PNG": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(1000))),
        "noise": bytes(rng.integers(0, 256, 500, dtype=np.uint8)),
    }
    name = str(rng.choice(list(kinds)))
    return OddFile(name, kinds[name], None)
