"""The scripts stand alone: beside boto3, tqdm and the hub's client they need nothing, least of all project or torch."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import ROOT

SCRIPTS = ROOT / "sagemaker"
OWN = {path.stem for path in SCRIPTS.iterdir() if path.suffix == ".py" or path.is_dir()}
ALLOWED = OWN | {"boto3", "botocore", "huggingface_hub", "numpy", "tqdm", "urllib3"} | set(sys.stdlib_module_names)


def imported(path: Path) -> set[str]:
    """The packages a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_they_import_nothing_of_the_project() -> None:
    assert {str(path): names for path in SCRIPTS.rglob("*.py") if (names := imported(path) - ALLOWED)} == {}


def test_no_room_imports_a_script() -> None:
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    for path in SCRIPTS.glob("*/*.py"):
        assert not imported(path) & scripts, path


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.py")))
def test_a_copy_of_the_folder_is_enough(script: str, tmp_path: Path) -> None:
    copy = shutil.copytree(SCRIPTS, tmp_path / "sagemaker", ignore=shutil.ignore_patterns("__pycache__"))
    watched = (
        "import runpy, sys; sys.argv = sys.argv[1:]; sys.path.insert(0, sys.argv[0].rpartition('/')[0])\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: print({'torch', 'model', 'serve', 'container'} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", watched, str(copy / script), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "set()"), done.stderr
