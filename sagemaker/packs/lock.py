"""`weights.lock.json`: the commit of each repository, once it has been chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from packs.weight_errors import LayoutError


class Lock:
    """
    Args:
        file: where it is kept; need not be there.

    Raises:
        LayoutError: it is there and not such a file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.commits: dict[str, str] = {}
        if file.is_file():
            try:
                self.commits = dict(json.loads(file.read_bytes()))
            except (TypeError, ValueError) as error:
                raise LayoutError(str(file), f"not a list of commits: {error}") from error

    def keep(self, commits: Mapping[str, str]) -> None:
        """Remember them, on disk at once; others stay."""
        self.commits |= commits
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(dict(sorted(self.commits.items())), indent=1) + "\n", encoding="utf-8")
        partial.replace(self._file)
