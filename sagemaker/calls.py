"""Calls to AWS that can be printed instead of made, checked either way against the service's own model."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config
from botocore.validate import validate_parameters


class Caller:
    """Makes calls, or with `dry_run` prints what it would call, after botocore has validated the parameters.

    Args:
        region: of all clients; None: boto3's usual chain.
        endpoint_url: another address of the services, for tests.

    Raises:
        botocore.exceptions.ParamValidationError: a parameter is unknown, missing, too long or of the wrong type.
    """

    def __init__(self, *, dry_run: bool, region: str | None = None, endpoint_url: str | None = None) -> None:
        self.dry_run = dry_run
        self._options: dict[str, Any] = {"region_name": region, "endpoint_url": endpoint_url}
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "max_attempts": 5})
            self._clients[service] = boto3.client(service, config=config, **self._options)
        return self._clients[service]

    def __call__(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call `operation` (as boto3 names it, `create_model`); a dry run prints it and returns an empty answer."""
        client = self.client(service)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        if model.input_shape is not None:
            validate_parameters(parameters, model.input_shape)
        if self.dry_run:
            print(f"{service}.{operation}({json.dumps(parameters, indent=2, default=_shown)})")
            return {}
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer


def _shown(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
