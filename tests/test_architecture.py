"""The plan of the house shows the house."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.server import ROOT

PLAN = (ROOT / "ARCHITECTURE.md").read_text()
INSIDE = (ROOT / "docs" / "inside.md").read_text()


def test_it_is_one_page() -> None:
    assert len(PLAN.splitlines()) <= 120
    assert len(PLAN.encode()) <= 9_000


@pytest.mark.parametrize("text", [PLAN, INSIDE], ids=["ARCHITECTURE.md", "docs/inside.md"])
def test_every_file_and_folder_it_names_exists(text: str) -> None:
    named = re.findall(r"`((?:client|container|serve|model|sagemaker|tests|bench)/[\w/.]*)`", text)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_is_shown() -> None:
    rooms = {f"model/{path.parent.name}/" for path in ROOT.glob("model/*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in PLAN} == set()


def test_the_five_names_of_a_job_are_where_it_says() -> None:
    table = PLAN.split("## One job, five names")[1].split("## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `([\w/]+)\.py`", table, re.M)
    assert len(rows) == 5
    for name, file in rows:
        assert hasattr(import_module(file.replace("/", ".")), name), (name, file)


def test_the_picture_names_files_that_exist() -> None:
    picture = PLAN.split("```")[1]
    homes = [Path(), *(path for path in map(Path, ("serve", "model", "model/runtime")))]
    for name in re.findall(r"[\w/]+\.py", picture.replace("engines/<name>/pipeline.py", "engines/catvton/pipeline.py")):
        assert any((ROOT / home / name).exists() for home in homes), name
