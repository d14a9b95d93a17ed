"""`s3://...` and `file:///...` addresses: which lie under an allowed prefix, and what path a file's is."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes


def lies_under(address: str, prefixes: Collection[str]) -> bool:
    """Whether it begins with one of the prefixes, and neither climbs (encoded or not) nor hides anything."""
    plain = unquote(address)
    return plain.isprintable() and ".." not in plain.split("/") and address.startswith(tuple(prefixes))


def path_of(address: str) -> Path:
    """The path in a `file:///` address, which is UTF-8 whatever the locale. Not by `urlsplit`: it drops newlines, which
    makes `..` of `.\\n.`."""
    raw = address.removeprefix("file://").encode("utf-8", "surrogateescape")
    return Path(os.fsdecode(unquote_to_bytes(raw)))
