"""What a service answers. Members that a newer one adds are left out."""

from __future__ import annotations

import base64
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from atelier_client.problems import Json, Problem


@dataclass(frozen=True)
class Told:
    """Base: read from JSON by names."""

    @classmethod
    def read(cls, told: Json) -> Self:
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})


@dataclass(frozen=True)
class Output(Told):
    """One file of a result: `data` where it came in the answer, `uri` where it is stored."""

    name: str
    content_type: str
    bytes: int
    sha256: str
    data: str | None = field(default=None, repr=False)  # base64
    uri: str | None = None
    presigned_url: str | None = None

    def content(self) -> builtins.bytes:
        """The file that came in the answer.

        Raises:
            ValueError: it is stored at `uri` instead; of a job, `file` gives it out.
        """
        if self.data is None:
            raise ValueError(f"{self.name} is stored at {self.uri}")
        return base64.b64decode(self.data)

    def save(self, path: str | Path) -> None:
        Path(path).write_bytes(self.content())


@dataclass(frozen=True)
class Answer(Told):
    """A result. `seed` and `settings` repeat it; `timings` are seconds by stage."""

    id: str
    type: str
    engine: str
    state: str
    seed: int
    settings: Json
    outputs: list[Output]
    warnings: list[Json]
    timings: Mapping[str, float]
    model: Json

    @classmethod
    def read(cls, told: Json) -> Self:
        return super().read({**told, "outputs": [Output.read(one) for one in told["outputs"]]})


@dataclass(frozen=True)
class Progress(Told):
    """How far a job is. `position`: its place among those that wait; `expected_s`: until its end, if that is known."""

    id: str
    stage: str
    done: int
    total: int
    elapsed_s: float
    position: int = 0
    expected_s: float | None = None


@dataclass(frozen=True)
class TakenJob(Told):
    """A job that was handed in."""

    id: str
    state: str
    estimated_s: float | None
    url: str
    events_url: str


@dataclass(frozen=True)
class Job(Told):
    """A job later: `queued`, `running`, `done` with its answer, or `failed` with a problem."""

    id: str
    state: str
    events_url: str
    progress: Progress | None = None
    answer: Answer | None = None
    problem: Problem | None = None
    urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, told: Json) -> Self:
        parts = {"progress": Progress.read, "answer": Answer.read, "problem": Problem}
        read = {name: told[name] and make(told[name]) for name, make in parts.items()}
        return super().read({**told, **read})
