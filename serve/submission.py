"""A validated request and who it is."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from model.request import Request
from serve.choosing import Models, chosen_request


@dataclass(frozen=True)
class Submission:
    """A request somebody wants computed. `digest` tells whether two bodies are the same."""

    id: str
    id_given: bool
    digest: str
    request: Request
    is_file: bool = False  # the answer is to be the main output itself
    format_named: bool = False  # the client named the format of pictures
    files: Mapping[str, bytes] = field(default_factory=dict)  # of a form, by what its inputs call them

    def sources(self) -> dict[str, str | bytes]:
        """Its inputs: the reference of each, or the file itself."""
        return {name: self.files.get(reference, reference) for name, reference in self.request.inputs().items()}


def read_submission(body: Mapping[str, object], digest: str, models: Models, fallback_id: str | None) -> Submission:
    """Validate `body` for one of the loaded engines.

    Args:
        digest: of the bytes it came in.
        models: the loaded engines, as the workers reported.
        fallback_id: used when the body names no id (SageMaker's inference id).
    """
    request = chosen_request(body, models, {})
    given = request.id or fallback_id
    return Submission(given or secrets.token_hex(16), given is not None, digest, request)
