"""The real server with nothing to write to, no network and no credentials; and that all this is so."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from container.examples import data_uri, examples
from tests.platform.conftest import PATIENCE
from tests.platform.hosting import Answer, Instance, Stopped
from tests.platform.isolation import Confinement, unsupported
from tests.server import ROOT
from tests.untrained import untrained_pack

pytestmark = pytest.mark.skipif(unsupported() is not None, reason=f"no namespaces here: {unsupported()}")

TRYON: dict[str, Any] = examples()["tryon"]["value"] | {"deadline_s": 600}
BODY_ONLY = {"type": "avatar", "body_only": True, "size": 64, "steps": 2, "deadline_s": 600}
ELSEWHERE = "s3://results/out/"


@dataclass(frozen=True)
class Visit:
    """Everything that is asked of one isolated container, and how it ended."""

    answers: dict[str, Answer]
    stopped: Stopped
    violations: list[str]

    def json(self, name: str) -> Any:
        return json.loads(self.answers[name].body)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, photos: dict[str, Path]) -> Visit:
    settings = {"OUTPUT_ALLOW": ELSEWHERE, "ENGINES": "tryon,avatar", "AWS_SECRET_ACCESS_KEY": "must not arrive"}
    instance = Instance(
        tmp_path_factory.mktemp("isolated"),
        model_dir=untrained_pack(),
        environment=settings,
        isolated=True,
        read_only_root=True,
        patience=PATIENCE,
    )
    bodies: dict[str, dict[str, Any]] = {
        "tryon": TRYON,
        "avatar": BODY_ONLY | {"photos": [data_uri(photos["photos.0"])]},
        "result to S3": TRYON | {"output": {"prefix": ELSEWHERE}},
        "picture from S3": TRYON | {"person": f"{ELSEWHERE}person.png"},
        "picture from elsewhere": TRYON | {"person": "https://1.1.1.1/person.png"},
    }
    with instance:
        answers = {name: post(instance, body) for name, body in bodies.items()}
        stopped = instance.stop()
    return Visit(answers, stopped, instance.violations)


def post(instance: Instance, body: dict[str, Any]) -> Answer:
    return instance.invoke(json.dumps(body).encode(), content_type="application/json", timeout_s=600)


def test_a_tryon_returns_its_picture(visit: Visit) -> None:
    [output] = visit.json("tryon")["outputs"]
    assert base64.b64decode(output["data"]).startswith(b"\x89PNG")


def test_an_avatar_returns_its_mesh(visit: Visit) -> None:
    outputs = {output["name"]: output for output in visit.json("avatar")["outputs"]}
    assert base64.b64decode(outputs["avatar.glb"]["data"]).startswith(b"glTF")


@pytest.mark.parametrize(
    ("asked", "status", "code", "why"),
    [
        ("result to S3", 502, "not_stored", "under network isolation only inline answers work"),
        ("picture from S3", 424, "input_unavailable", "under network isolation send the picture itself"),
        ("picture from elsewhere", 424, "input_unavailable", "could not be reached"),
    ],
)
def test_asking_for_what_isolation_forbids_says_why_not(
    visit: Visit, asked: str, status: int, code: str, why: str
) -> None:
    assert visit.answers[asked].status == status
    assert visit.json(asked)["code"] == code
    assert why in visit.json(asked)["detail"]


def test_it_lives_with_nothing_to_write_to_and_breaks_no_rule(visit: Visit) -> None:
    assert visit.violations == []


def test_sigterm_alone_ends_it_with_its_workers(visit: Visit) -> None:
    assert (visit.stopped.status, visit.stopped.killed, visit.stopped.left_behind) == (0, False, ())


# -- that the walls are there ----------------------------------------------------------------------------------------


def confined(command: str, confinement: Confinement) -> str:
    done = subprocess.run(
        confinement.around(["sh", "-c", command]), cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    return done.stdout + done.stderr


def test_what_is_read_only_cannot_be_written_not_even_by_root(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    attempt = f"touch {tmp_path}/weights/a; touch {tmp_path}/b && echo written"
    assert confined(attempt, Confinement(read_only=[tmp_path / "weights"])).count("Read-only file system") == 1
    assert (tmp_path / "b").exists()
    everything = Confinement(read_only=[Path("/")], writable=[tmp_path / "weights"])
    assert "Read-only file system" in confined(f"touch {tmp_path}/c", everything)
    assert "written" in confined(f"touch {tmp_path}/weights/d && echo written", everything)


def test_shared_memory_has_64_mb() -> None:
    assert "65536" in confined("df --output=size /dev/shm", Confinement())


@pytest.fixture
def outside() -> Iterator[int]:
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port


def test_without_a_network_there_is_a_loopback_of_its_own_and_nothing_else(outside: int) -> None:
    program = f"""
import socket
try: socket.create_connection(('127.0.0.1', {outside}))
except OSError as error: print(type(error).__name__)
try: socket.create_connection(('192.0.2.1', 80), 5)
except OSError as error: print(error.strerror)
with socket.create_server(('127.0.0.1', {outside})): print('its own')
"""
    said = confined(f'{sys.executable} -c "{program}"', Confinement(network=False))
    assert said.split("\n")[:3] == ["ConnectionRefusedError", "Network is unreachable", "its own"]
