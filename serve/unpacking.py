"""`Content-Encoding: gzip`, unpacked as it comes in."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from serve.codes import FrontCode
from serve.errors import BadRequest

GZIP = ("gzip", "x-gzip")

_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way of saying that a gzip header is expected
_MOST_AT_ONCE = 2**20  # a bomb is counted long before it is unpacked


async def unpacked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content, in pieces of at most a megabyte.

    Raises:
        BadRequest: it is no gzip, or not all of it.
    """
    reader = zlib.decompressobj(_GZIP_WINDOW)
    async for chunk in chunks:
        rest = chunk
        while rest:
            if reader.eof and not rest.strip(b"\0"):  # what some programs fill files up with
                break
            if reader.eof:  # files may follow one another
                reader = zlib.decompressobj(_GZIP_WINDOW)
            try:
                content = reader.decompress(rest, _MOST_AT_ONCE)
            except zlib.error:
                raise _bad_gzip() from None
            rest = reader.unconsumed_tail or reader.unused_data
            yield content
    if not reader.eof:
        raise _bad_gzip()


def _bad_gzip() -> BadRequest:
    return BadRequest("the body is not the gzip that 'Content-Encoding' says, or ends early", code=FrontCode.BAD_GZIP)
