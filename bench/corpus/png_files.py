"""PNG files of every mode, with every chunk (ISO/IEC 15948), whole and cut."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bench.corpus.odd_file import LOSSY, OddFile, chunk, clean, encoded, exif_of, seen, with_hole

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BEFORE_PIXELS = 33  # bytes: signature and header

Samples = NDArray[np.uint16]  # (H, W, channels)


def png(samples: Samples, depth: int, kind: int, *chunks: bytes, interlaced: bool = False, pieces: int = 1) -> bytes:
    """A PNG of raw samples, its pixels in so many chunks."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    rows = b"".join(_rows(samples[y::down, x::across], depth) for x, y, across, down in passes)
    pixels = zlib.compress(rows)
    step = -(-len(pixels) // pieces)
    parts = [chunk(b"IDAT", pixels[at : at + step]) for at in range(0, len(pixels), step)]
    return b"".join([_SIGNATURE, chunk(b"IHDR", header), *chunks, *parts, chunk(b"IEND", b"")])


def _rows(samples: Samples, depth: int) -> bytes:
    if samples.size == 0:
        return b""
    if depth == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    if depth == 8:
        return b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in samples)
    bits = (samples[..., 0, None] >> np.arange(depth - 1, -1, -1)) & 1
    packed = np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def modes(rng: np.random.Generator) -> OddFile:
    """Any colour type and depth, interlaced or not, its pixels in pieces."""
    kind = int(rng.choice([_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA]))
    depth = int(rng.choice({_GREY: [1, 2, 4, 8, 16], _PALETTE: [1, 2, 4, 8]}.get(kind, [8, 16])))
    interlaced, pieces = bool(rng.random() < 0.4), int(rng.integers(1, 40))
    samples, shown, chunks = _of_kind(rng, kind, depth)
    content = png(samples, depth, kind, *chunks, interlaced=interlaced, pieces=pieces)
    return OddFile(f"PNG of type {kind}, {depth} bits{', interlaced' * interlaced}", content, shown)


def _of_kind(rng: np.random.Generator, kind: int, depth: int) -> tuple[Samples, np.ndarray, Sequence[bytes]]:
    """Samples, what they show, and the chunks they need."""
    whole = with_hole(rng, clean(rng))
    most = 2**depth - 1
    if kind == _PALETTE:
        return _with_palette(rng, whole, depth)
    colours = np.asarray(whole.convert("RGBA")).astype(np.float64)
    if kind in (_GREY, _GREY_ALPHA):
        grey = np.asarray(ImageOps.grayscale(whole.convert("RGB"))).astype(np.float64)
        colours = np.dstack([grey, colours[..., 3]] if kind == _GREY_ALPHA else [grey])
    elif kind == _RGB:
        colours = colours[..., :3]
    samples = np.rint(colours / 255 * most).astype(np.uint16)
    levels = np.rint(samples / most * 255).astype(np.uint8)
    chunks = []
    if kind in (_GREY, _RGB) and rng.random() < 0.5:  # one level is transparent
        level = samples[samples.shape[0] // 3, samples.shape[1] // 3]
        chunks.append(chunk(b"tRNS", level.astype(">u2").tobytes()))
        alpha = np.where((samples == level).all(-1), 0, 255).astype(np.uint8)
        levels = np.dstack([levels, alpha])
    return samples, _as_seen(levels), chunks


def _with_palette(
    rng: np.random.Generator, whole: Image.Image, depth: int
) -> tuple[Samples, np.ndarray, Sequence[bytes]]:
    count = 2**depth
    indexed = whole.convert("RGB").quantize(count)
    colours = np.zeros((count, 3), np.uint8)
    given = np.asarray(indexed.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(given)] = given[:count]
    indices = np.minimum(np.asarray(indexed), count - 1)
    alpha = rng.choice([0, 90, 255], count).astype(np.uint8)[: rng.integers(0, count + 1)]
    chunks = [chunk(b"PLTE", colours.tobytes())]
    shown = colours[indices]
    if len(alpha):
        chunks.append(chunk(b"tRNS", alpha.tobytes()))
        shown = np.dstack([shown, np.pad(alpha, (0, count - len(alpha)), constant_values=255)[indices]])
    return indices[..., None].astype(np.uint16), _as_seen(shown), chunks


def _as_seen(levels: np.ndarray) -> np.ndarray:
    """RGB or RGBA, erased pixels white."""
    channels = levels.shape[-1]
    if channels <= 2:
        levels = np.dstack([levels[..., :1]] * 3 + ([levels[..., 1:]] if channels == 2 else []))
    if levels.shape[-1] == 4:
        levels = levels.copy()
        levels[levels[..., 3] == 0, :3] = 255
    return levels


def chunks(rng: np.random.Generator) -> OddFile:
    """Chunks nobody needs: long, damaged, unheard of, behind the pixels; an orientation; rubbish after the end."""
    orientation = int(rng.integers(1, 9))
    picture = clean(rng)
    content = encoded(picture, "PNG")
    kinds = [
        chunk(b"tEXt", b"Comment\0" + b"x" * 4000, damaged=True),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * 2**21)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"B" * 2**21)),
        chunk(b"gAMA", b"\0\1\x86\xa0", damaged=True),
        chunk(b"cHRM", b"\0" * 31),
        chunk(b"pHYs", b""),
        chunk(b"tIME", b"\xff" * 7),
        chunk(b"bKGD", b"\0\1\0\1\0\1"),
        chunk(b"prVt", bytes(rng.integers(0, 256, 300, dtype=np.uint8))),
        chunk(b"acTL", b"\0\0\0\2\0\0\0\0"),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 1_572_864)),
        chunk(b"sRGB", b"\0", damaged=True),
    ]
    before, behind = (b"".join(kinds[i] for i in rng.permutation(len(kinds))[:3]) for _ in range(2))
    exif = chunk(b"eXIf", exif_of(orientation, rng).removeprefix(b"Exif\0\0"))
    end = len(content) - 12
    odd = content[:_BEFORE_PIXELS] + before + exif + content[_BEFORE_PIXELS:end] + behind + content[end:]
    odd += bytes(rng.integers(0, 256, int(rng.integers(0, 100)), dtype=np.uint8))
    return OddFile(f"PNG with chunks, orientation {orientation}", odd, seen(turned(picture, orientation)))


def cut(rng: np.random.Generator) -> OddFile:
    """Without its end, or without much of its pixels; or only its last checksums wrong."""
    odd = modes(rng) if rng.random() < 0.7 else chunks(rng)
    most = len(odd.content)
    at = int(rng.integers(most - 12, most)) if rng.random() < 0.5 else int(rng.integers(0, most))
    return OddFile(f"{odd.name}, cut at {at} of {most}", odd.content[:at], odd.shown, odd.levels, whole=False)


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """What a file of these pixels shows whose EXIF says so."""
    methods = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.ROTATE_270, Image.Transpose.FLIP_LEFT_RIGHT],
        6: [Image.Transpose.ROTATE_270],
        7: [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT],
        8: [Image.Transpose.ROTATE_90],
    }
    for method in methods.get(orientation, []):
        picture = picture.transpose(method)
    return picture


__all__ = ["LOSSY", "chunks", "cut", "modes", "png", "turned"]
