"""What the front asks of those who compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from pydantic import BaseModel

from model.request import Request


class LoadedEngine(BaseModel):
    """What a worker says of an engine it has loaded."""

    type: str
    default: bool  # it answers requests of its type that name no engine
    fingerprint: str
    licence: str
    weights_bytes: int
    demo: bool  # its weights are the built-in ones
    untrained: bool
    defaults: dict[str, int | float]  # of the request's fields, as the pack's manifest sets them
    variants: list[str]
    mask_makers: list[str]


class Workers(Protocol):
    """What computes the jobs."""

    models: Mapping[str, LoadedEngine]
    device: Mapping[str, str | int]
    backends: Mapping[str, str | None]
    none_ready_since: float | None

    @property
    def was_ready(self) -> bool: ...

    def expected_s(self, request: Request, accepted: Iterable[Request] = ()) -> float: ...

    async def run(self, name: str, request: Request, on_progress: Callable[[str, int, int], None]) -> float: ...
