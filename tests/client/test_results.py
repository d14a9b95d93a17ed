"""What comes back is checked and saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.problems import Failed
from client.results import content_of, save


def test_a_damaged_result_is_refused() -> None:
    output = {"name": "result.png", "data": "AAAA", "sha256": "0" * 64}
    with pytest.raises(Failed, match="arrived damaged"):
        content_of(output)


def test_a_result_out_of_reach_is_noted_and_not_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = {"name": "result.png", "uri": "file:///not/on/this/machine/result.png", "sha256": "0" * 64}
    assert save(output, tmp_path) is None
    printed = capsys.readouterr()
    assert printed.out == "file:///not/on/this/machine/result.png\n"
    assert printed.err.startswith("note: file:///not/on/this/machine/result.png cannot be read from here")
