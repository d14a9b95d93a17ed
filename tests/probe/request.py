from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from model import request
from model.codes import Codes
from model.request import ImageRef
from tests.probe.codes import ProbeCode


class Request(request.Request):
    telling_fields: ClassVar[frozenset[str]] = frozenset({"steps_s"})
    heavy_stages: ClassVar[tuple[str, ...]] = ("wait",)
    media_types: ClassVar[tuple[str, ...]] = ("text/plain",)
    codes: ClassVar[Codes] = (ProbeCode,)

    type: Literal["probe"] = "probe"
    engine: Literal["probe"] = "probe"
    picture: ImageRef | None = None
    pictures: list[ImageRef] = Field([])
    folder: str | None = None
    steps_s: list[float] = Field([], description="Seconds of each step on the device.")
    unforeseen_s: list[float] = Field([], description="Further steps, which `work()` does not foresee.")
    gate: str | None = Field(None, description="A path: a step of less than 0 s ends when there is a file.")
    rows: int = Field(1, ge=1, description="Of each step.")
    then: Literal["end", "refuse", "mumble", "bug", "die", "hang", "fill", "unbeat", "die_computed"] = "end"
    kilobytes: int = Field(1, ge=1)

    def inputs(self) -> Mapping[str, str]:
        named = {"picture": self.picture, "folder/": self.folder}
        return {name: reference for name, reference in named.items() if reference is not None} | {
            f"pictures.{i}": reference for i, reference in enumerate(self.pictures)
        }

    def work(self) -> float:
        return 0.001 + sum(self.steps_s)
