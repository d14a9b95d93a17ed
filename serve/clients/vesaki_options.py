"""The options of Vesaki's try-on: a JSON object in the part `options`, or parts of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serve.clients.vesaki_errors import VesakiRefusal


class Options(BaseModel):
    """Of one try-on, or of all of a batch."""

    model_config = ConfigDict(extra="forbid")

    output_format: Literal["jpeg", "png"] = "jpeg"
    quality: int = Field(95, ge=1, le=100, description="Of JPEG.")
    return_mask: bool = False
    generate_mask: bool = False
    return_intermediate: bool = False

    @property
    def wants_mask(self) -> bool:
        return self.return_mask or self.generate_mask or self.return_intermediate

    def ours(self, *, inline: bool) -> dict[str, object]:
        """Fields of a request. `inline`: the picture travels in the answer and is stored nowhere."""
        output: dict[str, object] = {"format": self.output_format, "inline": inline}
        if self.output_format == "jpeg":
            output["quality"] = self.quality
        return {"output": output, "return_mask": self.wants_mask}


def options_of(parts: Mapping[str, object]) -> Options:
    """The options among the parts of a form; where both are there, `options` wins.

    Raises:
        VesakiRefusal: they cannot be used.
    """
    flat = {name: parts[name] for name in Options.model_fields if name in parts}
    return checked(flat | _object(parts.get("options")))


def checked(given: Mapping[str, object]) -> Options:
    """Raises `VesakiRefusal`: they cannot be used."""
    try:
        return Options.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise VesakiRefusal("INVALID_FORMAT", f"'{field[:60]}': {first['msg']}", field[:60]) from None


def _object(text: object) -> dict[str, object]:
    if text is None:
        return {}
    try:
        given = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise VesakiRefusal("INVALID_FORMAT", "'options' must be a JSON object", "options")
    return given
