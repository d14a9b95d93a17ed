"""`manifest.json`: what the files of a MODEL_DIR are, and which size and steps they want."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packs.weight_errors import LayoutError

NAME = "manifest.json"


@dataclass(frozen=True)
class Facts:
    """What is known of one file."""

    sha256: str
    licence: str | None = None
    source: str | None = None
    revision: str | None = None


class PackManifest:
    """The manifest of a folder, with what it said before of files that are not touched.

    Raises:
        LayoutError: the one that is there is no manifest.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME
        content = _read(self.file) if self.file.is_file() else {}
        self.files: dict[str, dict[str, str]] = content.get("files", {})
        self.defaults: dict[str, dict[str, int]] = content.get("defaults", {})
        self._default_engines: dict[str, str] = content.get("default_engines", {})

    def state(self, name: str, facts: Facts) -> None:
        """Say what the file `name` is."""
        self.files[name] = {key: value for key, value in asdict(facts).items() if value is not None}

    def suggest(self, engine: str, defaults: Mapping[str, int]) -> None:
        """Request fields the weights want other defaults for; what somebody has put there stays."""
        self.defaults[engine] = {**defaults, **self.defaults.get(engine, {})}

    def write(self) -> None:
        """Write it beside and move it into place."""
        content = {"files": dict(sorted(self.files.items())), "defaults": self.defaults}
        if self._default_engines:
            content["default_engines"] = self._default_engines
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.file)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise LayoutError(str(file), f"not a manifest: {error}") from error
    if not isinstance(content, dict):
        raise LayoutError(str(file), "not a manifest: not an object")
    return content
