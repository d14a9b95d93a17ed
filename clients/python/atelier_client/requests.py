"""Requests as JSON, with files of this machine in them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

Picture = Path | bytes | str  # a file, its bytes, or a reference: `https://`, `s3://`, `catalogue:SLUG`, a `data:` URI


def tryon(person: Picture, garment: Picture | None = None, **fields: object) -> dict[str, object]:
    """A try-on.

    Args:
        garment: None: the fields say what is put on, as `layers` and `garments` do.
        fields: further ones of the request, such as `category`, `seed`, `mask`, `engine`.
    """
    clothes = {} if garment is None else {"garment": garment}
    return as_json({"type": "tryon", "person": person, **clothes, **fields})


def avatar(photos: Iterable[Picture], **fields: object) -> dict[str, object]:
    """An avatar of the one person in all photos."""
    return as_json({"type": "avatar", "photos": list(photos), **fields})


def as_json(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields, each file among them as a `data:` URI."""
    return {name: _value(value) for name, value in fields.items()}


def _value(value: object) -> object:
    match value:
        case Path():
            return _data_uri(value.read_bytes())
        case bytes():
            return _data_uri(value)
        case list() | tuple():
            return [_value(one) for one in value]
        case Mapping():
            return as_json(value)
        case _:
            return value


def _data_uri(content: bytes) -> str:
    """The service sees by itself what kind of file it is."""
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
