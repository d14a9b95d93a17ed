"""The image, built once, and a container of it as SageMaker runs one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.containers import TOOLS, Containers
from tests.platform.hosting import Instance
from tests.server import ROOT

DEMO = ROOT / "model" / "demo_pack" / "data"

# As SageMaker runs it: the weights read-only where they are looked for, little shared memory. Stricter where nothing is
# known of it: a root file system that is read-only, a /tmp from which nothing can be executed.
AS_SAGEMAKER = (
    *("--volume", f"{DEMO}:/opt/ml/model:ro", "--shm-size", "64m", "--env", "SAGEMAKER_BIND_TO_PORT"),
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,mode=1777"),
)
AS_NOBODY_IN_PARTICULAR = ("--user", "1001", "--cap-drop", "all", "--security-opt", "no-new-privileges")


@pytest.fixture(scope="session")
def image() -> Containers:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"missing: apt-get install {' '.join(missing)}", pytrace=False)
    cache = os.environ.get("IMAGE_CACHE") or Path.home() / ".cache" / "atelier-image"
    containers = Containers(Path(cache))
    containers.make_base()
    containers.build(os.environ["IMAGE_TORCH"])
    return containers


@contextmanager
def running(image: Containers, folder: Path, *flags: str, words: tuple[str, ...] = ("serve",)) -> Iterator[Instance]:
    """A container that is ready for work; its name is that of `folder`."""
    command = image.run_command(folder.name, "--network", "host", *AS_SAGEMAKER, *flags, words=words)
    try:
        with Instance(folder, command=command, environment={"TMPDIR": image.environment["TMPDIR"]}) as instance:
            yield instance
    finally:
        image.remove(folder.name)


@pytest.fixture(scope="module")
def served(image: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One that runs as root, which is what SageMaker asks for."""
    with running(image, tmp_path_factory.mktemp("served")) as instance:
        yield instance
