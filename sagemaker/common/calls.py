"""Calls to AWS that can be printed instead of made, checked either way against the service's own model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cached_property

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from common import service_model
from common.failures import Json

_MISSING = ("ResourceNotFound", "ResourceNotFoundException", "ObjectNotFoundException", "NoSuchEntity", "NoSuchKey")
_MISSING_IN_WORDS = re.compile(r"could not find|no scal\w+ \w+ found", re.IGNORECASE)


class Caller:
    """Makes calls, or with `dry_run` only prints those that change something.

    A dry run still reads, so that it can tell what would change, if it has AWS credentials; without, it takes it that
    nothing is there.

    Args:
        region: of all clients; None: boto3's usual chain.
        endpoint_url: another address of the services, for tests.

    Every call raises botocore.exceptions.ParamValidationError when a parameter does not fit the service's model, and
    boto3's other errors when the service does not do it.
    """

    def __init__(self, *, dry_run: bool, region: str | None = None, endpoint_url: str | None = None) -> None:
        self.dry_run = dry_run
        self._options: dict[str, str | None] = {"region_name": region, "endpoint_url": endpoint_url}
        self._clients: dict[str, BaseClient] = {}

    def client(self, service: str) -> BaseClient:
        """The boto3 client of a service, made once."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "max_attempts": 5})
            self._clients[service] = boto3.client(service, config=config, **self._options)
        return self._clients[service]

    @property
    def region(self) -> str:
        """Where the calls go."""
        name: str = self.client("sagemaker").meta.region_name
        return name

    def __call__(self, service: str, operation: str, **parameters: object) -> Json:
        """Call `operation` (as boto3 names it, `create_model`); a dry run prints it and returns an empty answer."""
        call = self._checked(service, operation, parameters)
        if self.dry_run:
            print(f"{service}.{operation}({json.dumps(parameters, indent=2, default=_shown)})")
            return {}
        return call(**parameters)

    def read(self, service: str, operation: str, **parameters: object) -> Json | None:
        """Call an `operation` that changes nothing; None if what it asks for is not there."""
        call = self._checked(service, operation, parameters)
        if not self._can_read:
            return None
        try:
            return call(**parameters)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    def read_all(self, service: str, operation: str, members: str, **parameters: object) -> list[Json]:
        """The `members` of all pages of an answer."""
        self._checked(service, operation, parameters)
        if not self._can_read:
            return []
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [member for page in pages for member in page.get(members, [])]

    def remove(self, service: str, operation: str, **parameters: object) -> None:
        """Call an `operation` that deletes; what is not there any more is as good as deleted."""
        call = self._checked(service, operation, parameters)
        if self.dry_run:
            self(service, operation, **parameters)
            return
        try:
            call(**parameters)
        except ClientError as error:
            if not _is_missing(error):
                raise

    @cached_property
    def _can_read(self) -> bool:
        return not self.dry_run or boto3.Session().get_credentials() is not None

    def _checked(self, service: str, operation: str, parameters: Json) -> Callable[..., Json]:
        client = self.client(service)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        if model.input_shape is not None:
            service_model.check(parameters, model.input_shape)
        call: Callable[..., Json] = getattr(client, operation)
        return call


def _is_missing(error: ClientError) -> bool:
    """Whether there is no such thing. SageMaker says that in words only."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code in _MISSING or (code == "ValidationException" and _MISSING_IN_WORDS.search(message) is not None)


def _shown(value: object) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
