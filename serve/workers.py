"""What the front asks of those who compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from model.request import Request


class Workers(Protocol):
    """What computes the jobs."""

    models: dict[str, Any]
    device: dict[str, Any]
    backends: dict[str, Any]
    none_ready_since: float | None

    @property
    def was_ready(self) -> bool: ...

    def expected_s(self, request: Request) -> float: ...

    async def run(self, name: str, request: Request, on_progress: Callable[[str, int, int], None]) -> float: ...
