"""Base64 as people send it: with line breaks, without padding, URL-safe, percent-encoded in a `data:` URI."""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n"
_MOST_PADDING = 2


def plain_base64(text: str) -> bytes:
    """The same in the standard alphabet, without blanks and with its padding.

    Raises:
        ValueError: it has other characters than ASCII.
    """
    raw = unquote_to_bytes(text) if "%" in text else text.encode("ascii")
    digits = raw.translate(_URL_SAFE, _BLANKS)
    if len(digits) - len(digits.rstrip(b"=")) <= _MOST_PADDING:
        digits = digits.rstrip(b"=")
        digits += b"=" * (-len(digits) % 4)
    return digits


def decoded(digits: bytes) -> bytes:
    """What `plain_base64` has made of a text, as bytes.

    Raises:
        ValueError: it is no base64.
    """
    return base64.b64decode(digits, validate=True)
