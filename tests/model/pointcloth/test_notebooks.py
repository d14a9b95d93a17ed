"""The notebooks of the documentation, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.engines.pointcloth.published import write_codes

EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def run(notebook: str) -> dict[str, Any]:
    """What its cells leave behind."""
    cells = json.loads((EXAMPLES / notebook).read_text(encoding="utf-8"))["cells"]
    left: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []  # whoever opens it makes them
            exec(compile("".join(cell["source"]), f"{notebook}, cell {number}", "exec"), left)  # noqa: S102 - our own
    return left


def test_an_outfit_is_fitted_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_DIR", "demo")
    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setenv("ITERATIONS", "1")
    left = run("fit_an_outfit.ipynb")
    assert left["codes"]["anna"].shape == (8,)
    assert left["shapes"]["points"][1] == 3
    assert (tmp_path / "anna/outfit.ply").is_file()


def test_codes_are_worn_in_a_notebook(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {name: np.full(8, level, np.float32) for name, level in (("anna", 0.1), ("ben", 0.3))}
    write_codes(tmp_path / "outfit_codes_ours.pkl", codes)
    monkeypatch.setenv("MODEL_DIR", str(weights))
    monkeypatch.setenv("CODES", str(tmp_path / "outfit_codes_ours.pkl"))
    monkeypatch.setenv("SIZE", "48")
    left = run("wear_an_outfit.ipynb")
    assert left["cloth"].shape == (64, 3)
    assert isinstance(left["sheet"], Image.Image)
    assert left["sheet"].size == (144, 48)
