"""What form of answer a client asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from serve.codes import FrontCode
from serve.errors import Invalid

# Media type -> the `output.format` it means, if any.
_FILES = {
    **{"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp", "image/*": None},
    "model/gltf-binary": None,
}
_STREAMS = ("application/x-ndjson", "text/event-stream")


@dataclass(frozen=True)
class Accept:
    """The first media type of an `Accept` header that means something here. Neither set: a JSON answer.

    file: of the main output, whose bytes are to be the answer.
    """

    file: str | None = None
    stream: str | None = None

    @classmethod
    def parse(cls, header: str) -> Accept:
        for part in header.split(","):
            kind = part.split(";")[0].strip().lower()
            if kind in _FILES:
                return cls(file=kind)
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
        wanted = _FILES[self.file] if self.file else None
        output = body.get("output", {})
        if wanted is None or not isinstance(output, dict):
            return body
        if output.get("format", wanted) != wanted:
            raise Invalid(f"'output.format' is not the {self.file} of the Accept header", field="output.format")
        return {**body, "output": {**output, "format": wanted}}

    def refuse_unless_among(self, media_types: Collection[str]) -> None:
        """Raise Invalid when the wanted file is of none of these."""
        if self.file and not any(kind.startswith(self.file.removesuffix("*")) for kind in media_types):
            detail = f"there will be no {self.file}; 'Accept' can be application/json, {', '.join(media_types)}"
            raise Invalid(detail, code=FrontCode.BAD_ACCEPT)
