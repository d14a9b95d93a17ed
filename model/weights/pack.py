"""A folder of weights and what is known about its files. Never imports torch.

Which of them an engine reads is in `model/engines/pack.py`.
"""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import WeightsError

DEMO = Path(__file__).parents[1] / "demo_pack" / "data"
MANIFEST = "manifest.json"

_SAMPLES, _SAMPLE_BYTES = 16, 64 * 1024  # of a large file, read to tell it from another: a megabyte, in no time


class FileFacts(BaseModel):
    """What is known about one file. untrained: its numbers are random, so nothing is to be read from what it says."""

    model_config = ConfigDict(extra="forbid")

    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    licence: str | None = None
    source: str | None = None
    revision: str | None = None
    untrained: bool = False


class PackManifest(BaseModel):
    """`manifest.json`.

    Args:
        files: facts by the file's path under MODEL_DIR.
        defaults: of each engine's requests, by the engine's name or its type's.
        default_engines: type -> the engine that answers where a request names none.
        demo: these are the built-in weights: results show how things work, not how good they can be.
    """

    model_config = ConfigDict(extra="forbid")

    files: dict[str, FileFacts] = Field(default_factory=dict)
    defaults: dict[str, dict[str, int | float]] = Field(default_factory=dict)
    default_engines: dict[str, str] = Field(default_factory=dict)
    demo: bool = False


class Pack:
    """A folder of published weights.

    Args:
        model_dir: the folder, or "demo" for the tiny networks that come with the code.

    Raises:
        WeightsError: the folder is absent, empty, or its manifest cannot be read.
    """

    def __init__(self, model_dir: str | Path) -> None:
        self.folder = DEMO if str(model_dir) == "demo" else Path(model_dir)
        if not self.folder.is_dir() or not any(self.folder.iterdir()):
            raise WeightsError(
                f"MODEL_DIR={model_dir} holds no weights: put published checkpoints there (docs/weights.md), "
                "or set MODEL_DIR=demo for the tiny built-in networks"
            )
        self.manifest = _read_manifest(self.folder / MANIFEST)

    def name(self, file: Path) -> str:
        """`file` as the manifest calls it."""
        return file.relative_to(self.folder).as_posix()

    def facts(self, file: Path) -> FileFacts:
        """What the manifest says about `file`."""
        return self.manifest.files.get(self.name(file), FileFacts())

    def licence(self, files: Sequence[Path]) -> str:
        """The licences of `files`, or "unknown"."""
        licences = {self.facts(file).licence or "unknown" for file in files}
        return ", ".join(sorted(licences)) or "unknown"

    def fingerprint(self, files: Sequence[Path]) -> str:
        """64 hex digits that change when one of `files` changes.

        Made of the manifest's digests where it has all of them, else of sizes and samples of each file, because
        reading gigabytes to start a container is too slow.
        """
        known = {file: self.facts(file).sha256 for file in sorted(files)}
        digests = known if all(known.values()) else {file: _sampled_digest(file) for file in known}
        lines = "".join(f"{self.name(file)} {digest}\n" for file, digest in digests.items())
        return hashlib.sha256(lines.encode()).hexdigest()


def _read_manifest(file: Path) -> PackManifest:
    if not file.is_file():
        return PackManifest()
    try:
        return PackManifest.model_validate_json(file.read_bytes().removeprefix(BOM_UTF8))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WeightsError(f"{file}: {place}: {first['msg']}") from error


def _sampled_digest(file: Path) -> str:
    size = file.stat().st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    with file.open("rb") as opened:
        for offset in _sample_offsets(size):
            opened.seek(offset)
            digest.update(opened.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _sample_offsets(size: int) -> Iterable[int]:
    last = max(size - _SAMPLE_BYTES, 0)
    return sorted({last * i // (_SAMPLES - 1) for i in range(_SAMPLES)})
