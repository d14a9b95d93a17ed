"""What the front asks of those who compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from pydantic import BaseModel, Field

from model.request import Request


class LoadedEngine(BaseModel):
    """What a worker says of an engine it has loaded."""

    type: str = Field(description="What clients want of it, such as `tryon`.")
    default: bool = Field(description="It answers requests of its type that name no engine.")
    fingerprint: str = Field(description="Of its weights: other weights have another.")
    licence: str = Field(description="Of its weights, as their `manifest.json` says.")
    weights_bytes: int = Field(description="On disk.")
    demo: bool = Field(description="Its weights are the built-in ones.")
    untrained: bool = Field(description="Its weights are random numbers: good for trying out everything else.")
    defaults: dict[str, int | float] = Field(description="Of fields of a request, as these weights want them.")
    variants: list[str] = Field(description="What a request's `variant` may be; none: it has no such field.")
    mask_makers: list[str] = Field(description="What a request's `masker` may be; none: a mask must be sent.")


class Workers(Protocol):
    """What computes the jobs."""

    models: Mapping[str, LoadedEngine]
    device: Mapping[str, str | int]
    backends: Mapping[str, str | None]
    none_ready_since: float | None

    @property
    def was_ready(self) -> bool: ...

    def alone_s(self, request: Request) -> float: ...

    def expected_s(self, request: Request, accepted: Iterable[Request] = ()) -> float: ...

    async def run(self, name: str, request: Request, on_progress: Callable[[str, int, int], None]) -> float: ...
