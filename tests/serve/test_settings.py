"""Settings that are nearly spelt right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from container.settings import Settings
from tests.serve.test_lifecycle import ends


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MAX_QUEUED_JOB", "MAX_QUEUED_JOBS"),
        ("engine", "ENGINES"),
        ("OUTPUT_PREFIXES", "OUTPUT_PREFIX"),
        ("JOB_TTL", "JOB_TTL_S"),
        ("MAX_INPUT", "MAX_INPUT_BYTES"),
        ("ATELIER_DEVICE", "DEVICE"),
        ("S3_ENDPOINT", "S3_ENDPOINT_URL"),
    ],
)
def test_the_setting_that_may_be_meant_is_named(name: str, meant: str) -> None:
    assert Settings.nearly_named([name]) == {name: meant}


def test_settings_and_what_is_far_from_any_are_left_alone() -> None:
    assert Settings.nearly_named([*Settings.model_fields, "SAGEMAKER_BIND_TO_PORT", "HOSTNAME", "PATH", "HOME"]) == {}
    assert Settings.nearly_named(["AWS_ENDPOINT_URL", "SM_MODEL_DIR", "MODEL_ID", "LOGNAME", "PORTAGE"]) == {}


def test_the_start_warns_of_them(tmp_path: Path) -> None:
    _, log = ends(tmp_path, MAX_QUEUED_JOB=3, HOST="999.0.0.1")
    [line] = [line for line in log.splitlines() if "MAX_QUEUED_JOBS?" in line]
    assert json.loads(line)["level"] == "warning"
