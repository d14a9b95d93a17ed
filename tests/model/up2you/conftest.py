"""The engine on the built-in networks, and one avatar of everything it can make."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model.avatar import turning
from model.avatar.request import STAGES
from model.engine import Job
from model.engines.up2you.engine import UP2You
from model.runtime.device_config import DeviceConfig
from model.weights.pack import DEMO
from tests.model.devices import cpu_device
from tests.model.up2you.studio import Studio, tiny


@pytest.fixture(scope="session")
def studio(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with cpu_device() as device:
        yield Studio(UP2You(DEMO, device), runner, tmp_path_factory.mktemp("avatars"))


@pytest.fixture(scope="session")
def small_studio(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """With little memory: one network at a time on the device, and one live job."""
    with cpu_device(DeviceConfig(memory_profile="low")) as device:
        yield Studio(UP2You(DEMO, device), runner, tmp_path_factory.mktemp("low"))


@dataclass
class Portrait:
    """One avatar: where it lies, and what was said while it was made."""

    folder: Path
    job: Job
    told: list[tuple[str, int, int]] = field(default_factory=list)


@pytest.fixture(scope="session")
def portrait(studio: Studio, photos: dict[str, Path]) -> Portrait:
    """With the files of all stages and formats, turning around in small pictures. Not to be written to."""
    told: list[tuple[str, int, int]] = []
    job = Job(photos, studio.fresh(), on_progress=lambda stage, done, total: told.append((stage, done, total)))
    request = tiny(len(photos), stages=STAGES, formats=["obj", "ply"], turntable=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turning, "SIZE", 64)  # 64 frames of full size take long on a CPU
        studio.runner.run(studio.live(request, job))
    return Portrait(job.outputs, job, told)
