"""`SAVED_PEOPLE`: photos of people that the operator keeps, each a file `NAME.jpg` (`.jpeg`, `.png`, `.webp`, `.heic`).

Nobody's photo is kept unless it is put there by hand: the service itself writes nothing there, and lists nobody.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from serve.addresses import path_of
from serve.aws import AwsError
from serve.codes import FrontCode
from serve.errors import InputUnavailable, Invalid
from serve.s3 import S3
from serve.threads import to_the_end

SCHEME = "saved"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic")
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
_FIELDS = frozenset({"person", "photos"})


class SavedPeople:
    """Those photos.

    Args:
        place: `file:///folder/` or `s3://bucket/prefix/`; None: nobody is kept.
    """

    def __init__(self, place: str | None, s3: S3) -> None:
        self._place = place
        self._s3 = s3

    async def bring(self, field: str, reference: str, to: Path, max_bytes: int) -> bool:
        """Write the photo that `saved:NAME` names to a file; False if it is larger than `max_bytes`.

        Raises:
            Invalid: no photos are kept here, the field is not of a person, or it is no name.
            InputUnavailable: nobody is kept under this name, or the photo cannot be read now.
        """
        name = reference.removeprefix(f"{SCHEME}:")
        if self._place is None:
            detail = f"'{field}': this service keeps photos of nobody; its operator would set SAVED_PEOPLE"
            raise Invalid(detail, field=field, code=FrontCode.NO_SAVED_PEOPLE)
        if field.partition(".")[0] not in _FIELDS:
            raise Invalid(f"'{field}': only people are saved; send the picture", field=field, code=FrontCode.BAD_URL)
        if not re.fullmatch(_NAME, name):
            raise Invalid(f"'{field}' must be saved:NAME, of letters, digits, '.', '_' and '-'", field=field)
        for suffix in SUFFIXES:
            complete = await self._copied(field, f"{self._place}{name}{suffix}", to, max_bytes)
            if complete is not None:
                return complete
        raise InputUnavailable(f"'{field}': nobody is saved as '{name}'", field=field)

    async def _copied(self, field: str, address: str, to: Path, max_bytes: int) -> bool | None:
        """None: there is no such file."""
        try:
            if address.startswith("s3://"):
                return await self._s3.download(address, to, max_bytes)
            return await to_the_end(_copied_file, path_of(address), to, max_bytes)
        except FileNotFoundError:
            return None
        except AwsError as error:
            if error.code == "NoSuchKey":
                return None
            detail = f"'{field}': the saved photo cannot be read: {error.code}"
            raise InputUnavailable(detail, field=field, retryable=error.passing) from None


def _copied_file(source: Path, to: Path, max_bytes: int) -> bool:
    if source.stat().st_size > max_bytes:
        return False
    shutil.copyfile(source, to)
    return True
