"""`make` refuses what it cannot work with before it does anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import npm
from tests.server import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def setup(python: Path, venv: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "demo", f"PYTHON={python}", f"VENV={venv}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)


def python_of(version: tuple[int, int], folder: Path) -> Path:
    """An interpreter that says it is of `version`."""
    file = folder / "python"
    pretence = f"import sys; sys.version_info = (*{version}, 0); exec(sys.argv[1])"
    file.write_text(f'#!/bin/sh\n[ "$1" = -c ] || exit 9\nexec {sys.executable} -c "{pretence}" "$2"\n')
    file.chmod(0o700)
    return file


def test_an_older_python_is_refused_with_a_sentence(tmp_path: Path) -> None:
    refused = setup(python_of((3, 10), tmp_path), tmp_path / "venv")
    assert refused.returncode == 2
    said = refused.stderr.splitlines()[0]
    assert said.startswith("Python 3.11 or 3.12 is needed, and ")
    assert said.endswith("/python is 3.10: name another, as in make demo PYTHON=python3.12")
    assert not (tmp_path / "venv").exists()


def test_one_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    taken = setup(python_of((3, 11), tmp_path), tmp_path / "venv")
    assert "is needed" not in taken.stderr
    assert "Error 9" in taken.stderr  # the next thing it is asked for is an environment


@pytest.mark.parametrize(("named", "weights"), [([], "demo"), (["MODEL_DIR=/mine"], "/mine")])
def test_the_studio_starts_on_the_built_in_weights_where_no_others_are_named(
    named: list[str], weights: str, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin/python"
    python.write_text('#!/bin/sh\necho "started $MODEL_DIR with $*"\n')
    python.chmod(0o700)
    (venv / ".ready").touch()
    clean = {name: value for name, value in os.environ.items() if name != "MODEL_DIR"}
    command = ["make", "--silent", "studio", f"VENV={venv}", *named]
    said = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=180, check=True).stdout
    assert said == f"started {weights} with -m container serve\n"


def test_the_workflow_is_one_that_github_understands() -> None:
    modules = npm.installed(ROOT / "tests/workflow")
    command = ["node", str(modules.parent / "lint.mjs"), str(ROOT / ".github/workflows/ci.yml")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout
    assert found == ""


def test_the_workflow_calls_what_there_is() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    made = {word for command in commands for word in re.findall(r"\bmake ([a-z-]+)", command)}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"setup", "test", "image"} == made <= targets
