from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from model.tryon.request import TryOnRequest


class Request(TryOnRequest):
    """Mirror a person."""

    heavy_stages: ClassVar[tuple[str, ...]] = ("mirror",)

    engine: Literal["mirror"] = "mirror"
    category: Literal["upper", "lower"] = "upper"
    axis: Literal["across", "down"] = "across"
    times: int = Field(1, ge=1, le=9)

    def work(self) -> float:
        return 0.001 * self.samples
