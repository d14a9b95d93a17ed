"""`docker run IMAGE train`: with nothing to train from it says so, where the platform looks and to whoever reads."""

from __future__ import annotations

from pathlib import Path

from tests.image.conftest import AS_NOBODY_IN_PARTICULAR
from tests.image.containers import Containers


def test_without_settings_and_data_the_reason_is_left_for_the_platform(image: Containers, tmp_path: Path) -> None:
    ended = image.run(tmp_path.name, "--network", "none", "--volume", f"{tmp_path}:/opt/ml", words=["train"])
    reason = (tmp_path / "output/failure").read_text()
    assert ended.returncode == 1
    assert reason
    assert f"error: {reason}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_plain_user_who_can_leave_no_reason_reads_it(image: Containers, tmp_path: Path) -> None:
    ended = image.run(tmp_path.name, "--network", "none", "--read-only", *AS_NOBODY_IN_PARTICULAR, words=["train"])
    assert ended.returncode == 1
    assert "error: " in ended.stderr
    assert "this is not in /opt/ml/output/failure" in ended.stderr
    assert "Traceback" not in ended.stderr
