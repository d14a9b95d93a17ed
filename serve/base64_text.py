"""Base64 as people send it: with line breaks, without padding, URL-safe, percent-encoded in a `data:` URI, or with `+`
become a blank on its way through a form or a query."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LINE_BREAKS = b"\t\r\n"
_BYTE_ORDER_MARK = "\ufeff"
_MOST_PADDING = 2  # of four digits
_NO_DIGIT = re.compile(rb"[^A-Za-z0-9+/]")


def plain_base64(text: str) -> bytes:
    """The same in the standard alphabet, without blanks and with its padding.

    Raises:
        ValueError: it has other characters than ASCII.
    """
    text = text.strip().removeprefix(_BYTE_ORDER_MARK)
    raw = unquote_to_bytes(text) if "%" in text else text.encode("ascii")
    digits = _without_blanks(raw.translate(_URL_SAFE, _LINE_BREAKS).strip())
    if len(digits) - len(digits.rstrip(b"=")) <= _MOST_PADDING:
        digits = digits.rstrip(b"=")
        digits += b"=" * (-len(digits) % 4)
    return digits


def _without_blanks(digits: bytes) -> bytes:
    """Blanks that cut the text into equal lines are breaks between them; any others were `+`."""
    if b" " not in digits:
        return digits
    *lines, _ = re.split(rb" +", digits)
    broken = len({len(line) for line in lines}) == 1 and len(lines[0]) % 4 == 0
    return digits.replace(b" ", b"" if broken else b"+")


def first_stranger(text: str) -> tuple[str, int] | None:
    """The first character that base64 does not have, and its place, from 1; None: all are base64's."""
    for place, character in enumerate(text, 1):
        if not character.isascii() or (_NO_DIGIT.match(character.encode()) and character not in "-_=% \t\r\n"):
            return character, place
    return None


def decoded(digits: bytes) -> bytes:
    """What `plain_base64` has made of a text, as bytes.

    Raises:
        ValueError: it is no base64.
    """
    return base64.b64decode(digits, validate=True)
