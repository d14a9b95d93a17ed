from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from model import request
from model.request import ImageRef


class Request(request.Request):
    telling_fields: ClassVar[frozenset[str]] = frozenset({"steps_s"})
    heavy_stages: ClassVar[tuple[str, ...]] = ("wait",)
    media_types: ClassVar[tuple[str, ...]] = ("text/plain",)

    type: Literal["probe"] = "probe"
    picture: ImageRef | None = None
    steps_s: list[float] = Field([], description="Seconds of each step on the device.")
    unforeseen_s: list[float] = Field([], description="Further steps, which `work()` does not foresee.")
    then: Literal["end", "refuse", "bug", "die", "hang", "fill"] = "end"
    kilobytes: int = Field(1, ge=1)

    def inputs(self) -> Mapping[str, str]:
        return {} if self.picture is None else {"picture": self.picture}

    def without_inputs(self) -> dict[str, Any]:
        return self.model_dump(mode="json") | {"picture": None if self.picture is None else "fetched"}

    def work(self) -> float:
        return 0.001 + sum(self.steps_s)
