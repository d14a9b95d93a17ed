"""PNG files taken apart (W3C PNG, third edition): ancillary chunks that nobody needs cannot do harm."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack, unpack_from

from model.pictures.bare import MAX_PROFILE_BYTES, Bare, orientation_in
from model.pictures.ending import EndsEarlyError
from model.pictures.nclx import nclx_profile

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY, _RGB, _PALETTE = 0, 2, 3  # kinds of colours; 4 and 6 have alpha
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, 4: 2, 6: 4}
# Adam7: first column and row of each pass, and the steps between them.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_SLICE = 2**20  # bytes unpacked at a time, so that no small file takes much memory


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool

    @classmethod
    def read(cls, data: bytes) -> _Header:
        width, height, depth, kind, _, _, interlace = unpack_from(">IIBBBBB", data)
        return cls(width, height, depth, kind, interlace == 1)

    def raw_bytes(self) -> int:
        """Of all filtered rows."""
        passes = _PASSES if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for x, y, across, down in passes:
            columns, rows = -(-(self.width - x) // across), -(-(self.height - y) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * self.depth * _CHANNELS[self.kind] // 8))
        return total


def bare_png(content: bytes) -> Bare:
    """Raises:
    EndsEarlyError: pixels are missing at its end.
    """
    chunks: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    kept: list[bytes] = []
    for kind, data, chunk in _chunks(content):
        if kind == b"IDAT":
            pixels.append(data)
        chunks.setdefault(kind, data)
        if kind in (b"IHDR", b"PLTE") or (kind == b"IDAT" and chunk):
            kept.append(chunk)
    header = _Header.read(chunks[b"IHDR"])
    ended = b"IEND" in chunks
    if not ended:
        kept = [_chunk(b"IHDR", chunks[b"IHDR"])]
        kept += [_chunk(b"PLTE", chunks[b"PLTE"])] if b"PLTE" in chunks else []
        kept += [_chunk(b"IDAT", _all_rows(pixels, header.raw_bytes()))]
    transparent = chunks.get(b"tRNS", b"")
    if header.kind == _PALETTE and transparent:
        first_pixels = next(i for i, chunk in enumerate(kept) if chunk[4:8] == b"IDAT")
        kept.insert(first_pixels, _chunk(b"tRNS", transparent))
    return Bare(
        b"".join([SIGNATURE, *kept, _chunk(b"IEND", b"")]),
        _profile(chunks),
        orientation_in(chunks.get(b"eXIf", b"")),
        _transparent_level(transparent, header),
        whole_without_end=not ended,
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, data, and the chunk as it stands (empty where the file ends in it), up to IEND. Ancillary ones that are
    damaged are left out."""
    at = len(SIGNATURE)
    while at + 8 <= len(content):
        (length,) = unpack_from(">I", content, at)
        kind, end = content[at + 4 : at + 8], at + 12 + length
        data = content[at + 8 : at + 8 + length]
        ancillary = bool(kind[:1] and kind[0] & 0x20)
        complete = end <= len(content)
        intact = complete and zlib.crc32(kind + data) == unpack_from(">I", content, end - 4)[0]
        if intact or (not ancillary and (kind == b"IDAT" or complete)):
            yield kind, data, content[at:end] if complete else b""
        if kind == b"IEND":
            return
        at = end


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def _all_rows(pixels: list[bytes], expected: int) -> bytes:
    """The pixels of a file without its end, compressed anew.

    Raises:
        EndsEarlyError: some are missing.
    """
    stream, rows = zlib.decompressobj(), bytearray()
    for part in pixels:
        try:
            rows += stream.decompress(part, max(1, expected - len(rows)))
        except zlib.error:
            break
    if len(rows) < expected:
        raise EndsEarlyError(len(rows) / expected)
    return zlib.compress(bytes(rows), 1)


def _profile(chunks: dict[bytes, bytes]) -> bytes | None:
    """What the chunks cICP and iCCP say, the first before the second."""
    if len(code_points := chunks.get(b"cICP", b"")) == 4:
        return nclx_profile(code_points[0], code_points[1])
    name, _, rest = chunks.get(b"iCCP", b"").partition(b"\0")
    if not name or not rest:
        return None
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if stream.eof else None


def _transparent_level(data: bytes, header: _Header) -> tuple[int, ...] | None:
    channels = {_GREY: 1, _RGB: 3}.get(header.kind, 0)
    if not channels or len(data) < 2 * channels:
        return None
    levels = unpack_from(f">{channels}H", data)
    if header.depth == 16:
        return levels if header.kind == _GREY else tuple(level >> 8 for level in levels)
    return tuple(level * 255 // (2**header.depth - 1) for level in levels)
