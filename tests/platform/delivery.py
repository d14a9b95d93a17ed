"""A message of an asynchronous endpoint's queue, from its acceptance to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from tests.platform.async_request import AsyncRequest


@dataclass(frozen=True)
class Accepted:
    """What the caller is answered, with status 202."""

    inference_id: str
    output_location: str
    failure_location: str


@dataclass(frozen=True)
class End:
    """How one delivery ended. `location` is where its only object lies."""

    status: Literal["Completed", "Failed", "Expired"]
    location: str
    reason: str = ""


@dataclass(frozen=True)
class Delivery:
    """One message of the queue."""

    request: AsyncRequest
    accepted: Accepted
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    since: float = 0.0


class Failure(Exception):  # noqa: N818 - the platform's word
    """What the failure object says, and the note."""

    def __init__(self, reason: str, content: bytes = b"", status: Literal["Failed", "Expired"] = "Failed") -> None:
        super().__init__(reason)
        self.reason = reason
        self.content = content or reason.encode()
        self.status = status
