"""What the marks in a job directory hold, by their file."""

from __future__ import annotations

import secrets
from typing import ClassVar

from pydantic import BaseModel, Field, JsonValue

from serve.answers import Answer, Notice, OutputFile, ProblemDetails


def drawn_run() -> str:
    """What tells a job from another one of the same id, later."""
    return secrets.token_hex(16)


class Mark(BaseModel):
    """Base of all."""

    file: ClassVar[str]


class Accepted(Mark):
    """By the front: inline pictures are in `inputs/`, and this is all else that is needed to run."""

    file = "request.json"

    id: str
    digest: str
    kept: bool
    prefix: str | None
    deadline_s: float | None
    engine: str
    request: dict[str, JsonValue]
    references: dict[str, str]
    run: str = Field(default_factory=drawn_run)


class InputsReady(Mark):
    """By the front, of a durable job: all its inputs are there."""

    file = "ready"

    warnings: list[Notice] = []


class Result(Mark):
    """By the worker: outputs are closed and hashed."""

    file = "result.json"

    outputs: list[OutputFile]
    warnings: list[Notice]
    settings: dict[str, str] = {}  # what was chosen while computing
    timings: dict[str, float]


class Settled(Mark):
    """By the front: how the job ended. One of the two is set."""

    file = "answer.json"

    digest: str
    answer: Answer | None = None
    problem: ProblemDetails | None = None
