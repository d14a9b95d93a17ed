"""The notes an asynchronous endpoint posts to SNS topics.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Topics:
    """Where notes go. `client` is a boto3 SNS client; a topic is an ARN, None: nobody is told."""

    client: Any
    success: str | None = None
    error: str | None = None

    def test(self) -> None:
        """What creating or updating an endpoint posts to every topic. Consumers must let it pass."""
        for topic in {self.success, self.error} - {None}:
            self._post(topic, {"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"})

    def completed(self, note: dict[str, Any], content_type: str, location: str) -> None:
        """A result lies at `location`."""
        response = {"contentType": content_type, "outputLocation": location}
        self._post(self.success, note | {"invocationStatus": "Completed", "responseParameters": response})

    def failed(self, note: dict[str, Any], reason: str) -> None:
        """There will be none."""
        self._post(self.error, note | {"invocationStatus": "Failed", "failureReason": reason})

    def _post(self, topic: str | None, note: dict[str, Any]) -> None:
        if topic is not None:
            self.client.publish(TopicArn=topic, Message=json.dumps(note))


def note_of(
    endpoint: str, inference_id: str, content_type: str, input_location: str | None, received: datetime
) -> dict[str, Any]:
    """What every note about a request says."""
    asked = {"contentType": content_type, "endpointName": endpoint, "inputLocation": input_location}
    return {
        "awsRegion": "us-east-1",
        "eventTime": stamp(datetime.now(UTC)),
        "receivedTime": stamp(received),
        "requestParameters": {name: value for name, value in asked.items() if value is not None},
        "inferenceId": inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
