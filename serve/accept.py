"""What form of answer a client asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from serve.errors import Invalid

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp", "image/*": None}
_STREAMS = ("application/x-ndjson", "text/event-stream")


@dataclass(frozen=True)
class Accept:
    """The first media type of an `Accept` header that means something here. Neither set: a JSON answer."""

    image: str | None = None
    stream: str | None = None

    @classmethod
    def parse(cls, header: str) -> Accept:
        for part in header.split(","):
            kind = part.split(";")[0].strip().lower()
            if kind in _IMAGES:
                return cls(image=kind)
            if kind in _STREAMS:
                return cls(stream=kind)
            if kind in ("application/json", "*/*"):
                return cls()
        return cls()

    def with_format(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with `output.format` as the wanted picture has it.

        Raises:
            Invalid: the body names another format.
        """
        wanted = _IMAGES[self.image] if self.image else None
        output = body.get("output", {})
        if wanted is None or not isinstance(output, dict):
            return body
        if output.get("format", wanted) != wanted:
            raise Invalid(f"'output.format' is not the {self.image} of the Accept header", field="output.format")
        return {**body, "output": {**output, "format": wanted}}
