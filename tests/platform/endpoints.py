"""What can stand behind an endpoint's name, beside an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Accepted(Protocol):
    """What the caller of an asynchronous endpoint is told."""

    @property
    def inference_id(self) -> str: ...
    @property
    def output_location(self) -> str: ...
    @property
    def failure_location(self) -> str: ...


class Queue(Protocol):
    """What stands behind an asynchronous endpoint."""

    def submit(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Take a call of InvokeEndpointAsync as it arrived.

        Raises:
            InvalidCall: it is answered 400.
        """
