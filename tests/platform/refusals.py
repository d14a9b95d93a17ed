"""How the service refuses a call, or tells of a container that did.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

from typing import Any

MAX_MESSAGE = 2048  # characters of what a container said

_LOG_STREAM = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/"


class InvalidCall(Exception):  # noqa: N818 - the service's word is ValidationError, which is pydantic's here
    """The service answers 400 ValidationError with this text."""


class ModelError(Exception):
    """The container failed, or was too slow (status 0)."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said[:MAX_MESSAGE]

    def to_json(self, endpoint: str) -> dict[str, Any]:
        kind = "client" if 400 <= self.status < 500 else "server"
        return {
            "Message": f'Received {kind} error ({self.status}) from primary with message "{self.said}".',
            "OriginalStatusCode": self.status,
            "OriginalMessage": self.said,
            "LogStreamArn": f"{_LOG_STREAM}{endpoint}",
        }
