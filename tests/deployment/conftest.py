"""AWS as far as moto has it, in this process, with every call noted; and a hub that weights are fetched from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import weights
from moto import mock_aws
from moto.sagemaker.models import sagemaker_backends
from packs.published import LICENCES

from tests.deployment.hub_site import HubSite, hub_site
from tests.deployment.published_files import repositories

REGION = "eu-central-1"
ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/atelier:1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/atelier"
LARGE = ("sagemaker", "cloudwatch", "application-autoscaling")
READING = ("Describe", "List", "Get")
ACCEPTED = ("--accept", *(licence.name for licence in LICENCES.values() if licence.asks))
Fetch = Callable[..., int]


class Session:
    """boto3's, but each client of a large service is made once for all tests: learning what SageMaker is takes long."""

    def __init__(self) -> None:
        self.aws: Aws | None = None
        self._session = boto3.Session(region_name=REGION)
        self._session.events.register("before-call", lambda **call: self.aws.note(**call) if self.aws else None)
        self._clients: dict[Any, Any] = {}

    def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        if service_name not in LARGE:
            return self._session.client(service_name, *arguments, **options)
        key = service_name, options.get("region_name"), os.environ.get("AWS_ACCESS_KEY_ID")
        if key not in self._clients:
            self._clients[key] = self._session.client(service_name, *arguments, **options)
        return self._clients[key]


@lru_cache
def session() -> Session:
    """The only one."""
    return Session()


class Aws:
    """moto, and the operations called so far. moto lacks UpdateEndpoint: it is done here."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.rolls_back = False

    def note(self, model: Any, params: Any, **_: Any) -> Any:
        self.calls.append(model.name)
        if model.name == "UpdateEndpoint":
            asked = json.loads(params["body"])
            self.updates.append(asked)
            if not self.rolls_back:
                self.endpoint(asked["EndpointName"]).endpoint_config_name = asked["EndpointConfigName"]
            return type("Answer", (), {"status_code": 200})(), {"EndpointArn": "arn"}
        return None

    def writing(self) -> list[str]:
        """The operations that were to change something."""
        return [name for name in self.calls if not name.startswith(READING)]

    def client(self, service: str) -> Any:
        return boto3.client(service)

    def endpoint(self, name: str) -> Any:
        """moto's own endpoint, whose state a test may set."""
        return sagemaker_backends[ACCOUNT][REGION].endpoints[name]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        boto3.DEFAULT_SESSION = session()
        session().aws = noted = Aws()
        yield noted
        session().aws = None
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine that has never heard of AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    boto3.DEFAULT_SESSION = session()
    yield
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def hub() -> Iterator[HubSite]:
    with hub_site() as site:
        site.repositories = repositories()
        yield site


@pytest.fixture
def fetch(hub: HubSite, tmp_path: Path) -> Fetch:
    """Fetch into `tmp_path`/model."""

    def run(*arguments: str) -> int:
        return weights.main(["fetch", str(tmp_path / "weights"), "--endpoint", hub.url, "--no-check", *arguments])

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"
