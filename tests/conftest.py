"""Fixtures shared by all tests: one server for those that leave it as it was, a picture, an S3."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.server import Server, free_port, serving
from tests.site import Site
from tests.untrained import untrained_pack

# Several test processes and servers share two cores: waiting threads must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

collect_ignore = ["image"]  # takes minutes: `make test-image`

MANY_PIXELS = 2 * 10**8  # more than Pillow opens unless it is told to
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "secret-for-tests"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("server"),
        MODEL_DIR=untrained_pack(),
        ENGINES="",
        ALLOW_FILE_URIS=1,
        MAX_PIXELS=MANY_PIXELS,
    ) as running:
        yield running


def encode(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="session")
def png() -> bytes:
    return encode(Image.linear_gradient("L").resize((40, 30)))


@pytest.fixture(scope="session")
def picture(png: bytes) -> str:
    return base64_of(png)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two photos of one drawn person: a plain one, and one with a transparent background."""
    from model.synthetic.datasets.loose_photos import loose_photos

    folder = tmp_path_factory.mktemp("photos")
    plain, cut_out = loose_photos(2, 2, 192, 256)
    for i, photo in enumerate((plain.convert("RGB"), cut_out)):
        photo.save(folder / f"{i}.png")
    return {f"photos.{i}": folder / f"{i}.png" for i in range(2)}


class Bucket:
    """A bucket in a real S3-compatible server process."""

    def __init__(self, url: str) -> None:
        import boto3

        self.url = url
        self.name = "results"
        self.client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        self.client.create_bucket(Bucket=self.name)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            **KEYS,
            "S3_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "OUTPUT_PREFIX": f"s3://{self.name}/out/",
        }

    def keys(self, prefix: str = "") -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def read(self, uri: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=uri.split("/", 3)[3])["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> str:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)
        return f"s3://{self.name}/{key}"


class MotoProcess:
    """moto's server, which can be stopped and started again on its port."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/moto-api/", timeout=600).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise TimeoutError(self._log.read_text()[-2000:])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoProcess]:
    process = MotoProcess(tmp_path_factory.mktemp("moto") / "moto.log")
    yield process
    process.stop()


@pytest.fixture(scope="session")
def bucket(moto: MotoProcess) -> Bucket:
    return Bucket(moto.url)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("s3_server"), **bucket.settings) as running:
        yield running


@pytest.fixture(scope="session")
def site(png: bytes) -> Iterator[Site]:
    running = Site(png)
    yield running
    running.server.shutdown()
    running.server.server_close()
