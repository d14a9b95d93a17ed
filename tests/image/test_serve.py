"""`docker run IMAGE serve` as SageMaker runs it, and as somebody runs it who trusts nobody."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from container.examples import examples
from tests.image.conftest import AS_NOBODY_IN_PARTICULAR, AS_SAGEMAKER, running
from tests.image.containers import Containers
from tests.platform.hosting import Instance
from tests.server import eventually

REQUEST = json.dumps(examples()["tryon"]["value"]).encode()


def dressed(instance: Instance) -> NDArray[np.int16]:
    answer = instance.invoke(REQUEST, content_type="application/json", accept="image/png")
    assert answer.status == 200, answer.body
    return np.asarray(Image.open(io.BytesIO(answer.body)), np.int16)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.int16]:
    """What this checkout's own server makes of the request."""
    with Instance(tmp_path_factory.mktemp("checkout")) as checkout:
        return dressed(checkout)


def healthy(image: Containers, name: str, *flags: str) -> bool:
    """Run the image's health check, which podman without systemd does not do by itself."""
    description = image.inspect()
    kind, *check = (description | description["Config"])["Healthcheck"]["Test"]  # its place varies with podman's age
    assert kind == "CMD"
    return image.execute(name, *flags, words=check).returncode == 0


def test_a_try_on_is_the_picture_the_checkout_makes(served: Instance, expected: NDArray[np.int16]) -> None:
    assert abs(dressed(served) - expected).max() <= 2
    assert served.ping().status == 200
    assert served.violations == []


def test_the_health_check_asks_on_the_port_it_was_given(image: Containers, served: Instance) -> None:
    name = served.log.parent.name
    assert healthy(image, name)
    assert not healthy(image, name, "--env", "SAGEMAKER_BIND_TO_PORT=9")
    assert healthy(image, name, "--env", "http_proxy=http://127.0.0.1:9", "--env", "HTTP_PROXY=http://127.0.0.1:9")


def test_caches_are_in_tmp_and_nothing_else_can_be_written(image: Containers, served: Instance) -> None:
    name = served.log.parent.name
    program = """
import os, pathlib, tempfile
for variable in ("HOME", "XDG_CACHE_HOME", "HF_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR",
                 "TRITON_CACHE_DIR"):
    folder = pathlib.Path(os.environ[variable])
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()
for folder in ("/", "/opt/ml/model", "/opt/atelier", "/var/tmp", "/root"):
    try:
        tempfile.TemporaryFile(dir=folder)
    except OSError:
        continue
    raise SystemExit(f"{folder} can be written")
"""
    done = image.execute(name, words=["/opt/venv/bin/python", "-c", program])
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plain_user_without_capabilities_serves_without_a_word_and_stops_when_told(
    image: Containers, tmp_path: Path, expected: NDArray[np.int16]
) -> None:
    with running(image, tmp_path, *AS_NOBODY_IN_PARTICULAR, words=()) as instance:
        status = image.execute(tmp_path.name, words=["cat", "/proc/1/status"]).stdout
        assert "CapEff:\t0000000000000000" in status
        assert "Uid:\t1001\t1001\t1001\t1001" in status
        assert abs(dressed(instance) - expected).max() <= 2
        stopped = instance.stop()
    assert (stopped.status, stopped.killed) == (0, False)
    assert instance.violations == []


def test_root_stops_when_told(served: Instance) -> None:
    stopped = served.stop()
    assert (stopped.status, stopped.killed) == (0, False)


def test_it_starts_on_port_8080_without_any_network(image: Containers, tmp_path: Path) -> None:
    flags = [flag for flag in AS_SAGEMAKER if flag not in ("--env", "SAGEMAKER_BIND_TO_PORT")]
    try:
        started = image.run(tmp_path.name, "--detach", "--network", "none", *flags, words=["serve"])
        assert started.returncode == 0, started.stderr
        eventually(lambda: healthy(image, tmp_path.name, "--env", "SAGEMAKER_BIND_TO_PORT=8080"), within_s=600)
        interfaces = image.execute(tmp_path.name, words=["ls", "/sys/class/net"]).stdout.split()
        assert "eth0" not in interfaces
    finally:
        image.remove(tmp_path.name)


def test_it_stops_when_told_while_it_starts(image: Containers, tmp_path: Path) -> None:
    command = image.run_command(tmp_path.name, "--network", "none", *AS_SAGEMAKER, words=["serve"])
    log = tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, env={**image.environment, "SAGEMAKER_BIND_TO_PORT": "8080"}, stderr=sink)
    try:
        eventually(lambda: '"settings"' in log.read_text())
        process.terminate()
        assert process.wait(30) == 0
    finally:
        image.remove(tmp_path.name)
        process.wait()
