"""What is right and wrong with a folder of weights, found without serving it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import get_args

import torch

from model.engines.pack import EnginePack
from model.engines.registry import ENGINES
from model.errors import WeightsError
from model.runtime.device_config import MemoryProfile
from model.runtime.offload import most_at_once
from model.weights.loading import UnloadedNetwork

_SHOWN_DTYPES = (torch.float16, torch.float32)


@dataclass(frozen=True)
class PackReport:
    """One engine's weights."""

    engine: str
    licence: str
    bytes_on_disk: int
    parameters: Sequence[int]  # of each network
    job_bytes: Sequence[int]  # what a job holds on the device between forwards, for each shown dtype
    problems: list[str]

    def __str__(self) -> str:
        verdict = f"{len(self.problems)} problem(s)" if self.problems else "complete"
        return "\n".join(
            [
                f"{self.engine}: {verdict}",
                f"  licence           {self.licence}",
                f"  on disk           {_megabytes(self.bytes_on_disk)}",
                *(f"  {profile:<18}{self._weights(profile)}" for profile in get_args(MemoryProfile)),
                f"  a job             {_at_dtypes(self.job_bytes)} between forwards, at this pack's size",
                *(f"  problem           {problem}" for problem in self.problems),
            ]
        )

    def _weights(self, profile: MemoryProfile) -> str:
        """What the weights take of the device's memory with this profile."""
        parameters = most_at_once(self.parameters, profile)
        memory = _at_dtypes([parameters * dtype.itemsize for dtype in _SHOWN_DTYPES])
        return f"{memory} ({parameters:,} parameters on the device)"


def check(pack: EnginePack) -> list[PackReport]:
    """A report for each engine of which at least one file is there.

    Raises:
        WeightsError: no file of any engine is there.
    """
    found = [engine for engine in ENGINES if len(pack.missing(engine)) < len(pack.files_of(engine))]
    if not found:
        raise WeightsError(f"{pack.folder} holds no file of any engine ({', '.join(ENGINES)}); see docs/weights.md")
    return [_report(pack, engine) for engine in found]


def _report(pack: EnginePack, engine: str) -> PackReport:
    problems = [f"{name}: missing" for name in pack.missing(engine)]
    parameters: list[int] = []
    for load in _parts(pack, engine):
        try:
            loaded = load()
        except WeightsError as error:
            if not isinstance(error.__cause__, FileNotFoundError):  # said already
                problems.append(error.message)
            continue
        if isinstance(loaded, UnloadedNetwork):
            parameters.append(loaded.parameters())
            problems += _key_problems(pack, loaded)
    problems += _digest_problems(pack, engine)
    on_disk = sum(file.stat().st_size for file in pack.files_of(engine) if file.is_file())
    return PackReport(engine, pack.licence_of(engine), on_disk, parameters, _job_bytes(pack, engine), problems)


def _parts(pack: EnginePack, engine: str) -> list[Callable[[], object]]:
    parts: list[Callable[[], object]] = _checkpoint(engine).parts(pack.folder)
    return parts


def _job_bytes(pack: EnginePack, engine: str) -> list[int]:
    defaults = pack.defaults(engine)
    try:
        return [_checkpoint(engine).job_bytes(pack.folder, dtype, defaults) for dtype in _SHOWN_DTYPES]
    except WeightsError:  # a problem that was reported
        return []


def _checkpoint(engine: str) -> ModuleType:
    return ENGINES[engine].module("checkpoint")


def _key_problems(pack: EnginePack, network: UnloadedNetwork[torch.nn.Module]) -> Iterator[str]:
    for checkpoint in network.checkpoints:
        if checkpoint.file.is_file():
            yield from (f"{pack.name(checkpoint.file)}: {problem}" for problem in checkpoint.problems)


def _digest_problems(pack: EnginePack, engine: str) -> Iterator[str]:
    for file in pack.files_of(engine):
        stated = pack.facts(file).sha256
        if stated and file.is_file() and (actual := _digest(file)) != stated:
            yield f"{pack.name(file)}: sha256 is {actual}, the manifest says {stated}"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _at_dtypes(sizes: Sequence[int]) -> str:
    names = (str(dtype).removeprefix("torch.") for dtype in _SHOWN_DTYPES)
    return ", ".join(f"{_megabytes(size)} at {name}" for size, name in zip(sizes, names, strict=False))


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
