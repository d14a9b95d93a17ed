"""One generated file, and what anybody who opens it should see."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

LOSSLESS, LOSSY = 1.0, 4.0  # levels: at most at any pixel; in the mean

Pixels = NDArray[np.uint8]  # (H, W, 3), or (H, W, 4) with alpha


@dataclass(frozen=True)
class OddFile:
    """What the service is sent.

    shown: the picture as its author saw it, colours as the file's profile has them; None: nobody can show it.
    levels: how far a reader may be from that.
    whole: False: it is cut, so that it may also be refused.
    """

    name: str
    content: bytes
    shown: Pixels | None
    levels: float = LOSSLESS
    whole: bool = True

    def named(self, what: str) -> OddFile:
        return replace(self, name=f"{self.name}, {what}")


def clean(rng: np.random.Generator) -> Image.Image:
    """An RGB picture without any symmetry, soft enough for lossy formats."""
    width, height = (int(side) for side in rng.integers(40, 150, 2))
    corners = Image.fromarray(rng.integers(20, 236, (3, 3, 3), dtype=np.uint8))
    picture = corners.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(3):
        left, top = rng.integers(0, width - 16), rng.integers(0, height - 16)
        right, bottom = left + rng.integers(8, 16), top + rng.integers(8, 16)
        draw.ellipse((int(left), int(top), int(right), int(bottom)), fill=tuple(map(int, rng.integers(0, 256, 3))))
    return picture.filter(ImageFilter.GaussianBlur(1.5))


def with_hole(rng: np.random.Generator, picture: Image.Image) -> Image.Image:
    """RGBA: a part of it erased, though its colours are still there, and a soft border."""
    alpha = Image.new("L", picture.size, 255)
    left = int(rng.integers(0, picture.width // 2))
    ImageDraw.Draw(alpha).rectangle((left, 4, left + picture.width // 3, picture.height // 2), fill=0)
    alpha.paste(120, (0, picture.height - 6, picture.width, picture.height))
    whole = picture.convert("RGBA")
    whole.putalpha(alpha)
    return whole


def seen(picture: Image.Image) -> Pixels:
    """The pixels, erased ones white."""
    pixels = np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB")).copy()
    if pixels.shape[-1] == 4:
        pixels[pixels[..., 3] == 0, :3] = 255
    return pixels


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes, *, damaged: bool = False) -> bytes:
    """A PNG chunk, maybe with a wrong checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ damaged)


def exif_of(orientation: int, rng: np.random.Generator) -> bytes:
    """EXIF in either byte order with this orientation and entries that lie."""
    order = "<" if rng.random() < 0.5 else ">"
    lies = [(0x011A, 10, 1, 2**31), (0x8769, 4, 1, 2**31 - 1), (0x010F, 2, 2**30, 12), (0x0131, 99, 7, 8)]
    entries = [lies[i] for i in rng.permutation(len(lies))[: rng.integers(0, 5)]]
    value = orientation if order == "<" else orientation << 16
    entries.insert(int(rng.integers(0, len(entries) + 1)), (0x0112, 3, 1, value))
    body = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    return b"Exif\0\0" + head + body + b"\0\0\0\0"
