"""`s3://...` and `file:///...` addresses: which lie under an allowed prefix, and what path a file's is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote


def lies_under(address: str, prefixes: Collection[str]) -> bool:
    """Whether it begins with one of the prefixes, and neither climbs (encoded or not) nor hides anything."""
    plain = unquote(address)
    return plain.isprintable() and ".." not in plain.split("/") and address.startswith(tuple(prefixes))


def path_of(address: str) -> Path:
    """The path in a `file:///` address. Not by `urlsplit`: it drops newlines, which makes `..` of `.\\n.`."""
    return Path(unquote(address.removeprefix("file://")))
