"""What must be remembered of a request in an earlier service's words: a file each, beside the jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from serve.place import put_in_place
from serve.threads import to_the_end

_NAME = r"[0-9a-f-]{32,36}"  # of a UUID

R = TypeVar("R", bound=BaseModel)

log = logging.getLogger(__name__)


class Records(Generic[R]):
    """Records of one kind by their ids, which are UUIDs.

    Args:
        folder: where they lie.
        suffix: of their files' names.
        for_s: how long they are kept.
    """

    def __init__(self, folder: Path, suffix: str, kind: type[R], *, for_s: float) -> None:
        self._folder = folder
        self._suffix = suffix
        self._kind = kind
        self._for_s = for_s

    async def keep(self, id: str, record: R) -> None:
        """Write it, in place of an earlier one. Those that are too old are erased."""
        await to_the_end(put_in_place, self._file(id), record.model_dump_json().encode())
        await asyncio.to_thread(self._erase_expired)

    async def drop(self, id: str) -> None:
        """Forget one."""
        await asyncio.to_thread(self._file(id).unlink, missing_ok=True)

    def find(self, id: str) -> R | None:
        """The record of this id, if there is one."""
        return self._read(self._file(id)) if re.fullmatch(_NAME, id) else None

    def __iter__(self) -> Iterator[tuple[str, R]]:
        for file in self._folder.glob(f"*{self._suffix}"):
            if (record := self._read(file)) is not None:
                yield file.name.removesuffix(self._suffix), record

    def _file(self, id: str) -> Path:
        return self._folder / f"{id}{self._suffix}"

    def _read(self, file: Path) -> R | None:
        try:
            return self._kind.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            log.warning("a record of another version cannot be read", extra={"file": file.name})
            return None

    def _erase_expired(self) -> None:
        for file in self._folder.glob(f"*{self._suffix}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > self._for_s:
                    file.unlink()
