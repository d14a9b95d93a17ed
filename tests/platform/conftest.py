"""One hosted container for all tests that leave it as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.platform.hosting import Instance
from tests.untrained import untrained_pack

PROBE = (sys.executable, "-m", "tests.probe", "serve")
PATIENCE = 800  # what measures is the storm
DEADLINES_S = {"DEADLINE_S": 2, "STREAM_DEADLINE_S": 2.5, "JOB_DEADLINE_S": 3}


@pytest.fixture(scope="session")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """With the tiny try-on, and the engine that does what a test tells it."""
    deadlines = {name: str(seconds) for name, seconds in DEADLINES_S.items()}
    with Instance(
        tmp_path_factory.mktemp("hosted"),
        model_dir=untrained_pack(),
        command=PROBE,
        environment={"ENGINES": "tryon,probe", "AWS_EC2_METADATA_DISABLED": "true", **deadlines},
        ping_every_s=0.5,
        patience=PATIENCE,
    ) as running:
        yield running


@pytest.fixture
def instance(hosted: Instance) -> Iterator[Instance]:
    """A test's use of it does not break the contract."""
    before = len(hosted.violations)
    yield hosted
    assert hosted.violations[before:] == []
