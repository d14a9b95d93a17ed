"""Files of this machine as a request names them."""

from __future__ import annotations

import base64
import mimetypes
from argparse import ArgumentTypeError
from collections.abc import Iterable, Mapping
from pathlib import Path

_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif")
_MEDIA_TYPES = {".heic": "image/heic", ".heif": "image/heif"}  # not in every machine's table


def picture(argument: str) -> str:
    """An argument of the command line: a file that is there, or an address.

    Raises:
        ArgumentTypeError: there is no such file.
    """
    if "://" not in argument and not Path(argument).is_file():
        raise ArgumentTypeError(f"no such file: {argument}")
    return argument


def folder(argument: str) -> str:
    """The same of a folder with pictures in it."""
    if "://" not in argument and not Path(argument).is_dir():
        raise ArgumentTypeError(f"no such folder: {argument}")
    if "://" not in argument and not _pictures_in(argument):
        raise ArgumentTypeError(f"there are no pictures in {argument}")
    return argument


def reference(argument: str) -> str:
    """A file as a `data:` URI; an address as it is."""
    if "://" in argument:
        return argument
    file = Path(argument)
    known = _MEDIA_TYPES.get(file.suffix.lower()) or mimetypes.guess_type(argument)[0]
    content = base64.b64encode(file.read_bytes()).decode()
    return f"data:{known or 'application/octet-stream'};base64,{content}"


def references(files: Mapping[str, object]) -> dict[str, str]:
    """The same for each of several fields."""
    return {name: reference(str(file)) for name, file in files.items()}


def photos_in(folder: str) -> dict[str, object]:
    """The field of a request that names all pictures of a folder, here or in S3."""
    if "://" in folder:
        return {"photos_prefix": folder}
    return photos_of(_pictures_in(folder))


def _pictures_in(folder: str) -> list[Path]:
    return sorted(file for file in Path(folder).glob("*") if file.suffix.lower() in _PICTURE_SUFFIXES)


def photos_of(files: Iterable[Path]) -> dict[str, object]:
    """The field `photos`."""
    return {"photos": [reference(str(file)) for file in files]}


def given(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that have a value; what was not given is left to the server."""
    return {name: value for name, value in fields.items() if value is not None}
