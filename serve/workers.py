"""What the front asks of those who compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pydantic import BaseModel, JsonValue

from model.request import Request


class LoadedEngine(BaseModel):
    """What a worker says of an engine it has loaded."""

    type: str
    fingerprint: str
    licence: str | None
    weights_bytes: int
    defaults: dict[str, JsonValue]  # of the request's fields, as the pack's manifest sets them


class Workers(Protocol):
    """What computes the jobs."""

    models: Mapping[str, LoadedEngine]
    device: Mapping[str, str | int]
    backends: Mapping[str, str | None]
    none_ready_since: float | None

    @property
    def was_ready(self) -> bool: ...

    def expected_s(self, request: Request) -> float: ...

    async def run(self, name: str, request: Request, on_progress: Callable[[str, int, int], None]) -> float: ...
