"""The command-line client against a real container behind the stand-in of the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import invoke
import pytest

from tests.conftest import KEYS
from tests.platform.hosting import Instance
from tests.platform.runtime import Runtime


@pytest.fixture
def url(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with Runtime({"atelier": instance}, part_bytes=7) as runtime:
        yield runtime.url


def run(command: str, url: str, folder: Path, **fields: Any) -> int:
    (folder / "request.json").write_text(json.dumps({"type": "probe", "seed": 3, "deadline_s": 600, **fields}))
    where = ["--endpoint", "atelier", "--endpoint-url", url, "--out", str(folder / "out")]
    return invoke.main([command, *where, "--request", str(folder / "request.json")])


@pytest.mark.parametrize("command", ["realtime", "stream"])
def test_the_result_is_saved_and_its_place_printed(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, url, tmp_path, steps_s=[0.01, 0.01]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/out/result.txt\n"
    assert "seed 3" in said.err
    assert (tmp_path / "out" / "result.txt").read_text().startswith("seed 3")


@pytest.mark.parametrize("command", ["realtime", "stream"])
def test_the_container_s_own_words_are_the_last_line(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, url, tmp_path, then="refuse") == 1
    assert capsys.readouterr().err.endswith("422 not_liked (picture): 'picture' is not liked\n")
