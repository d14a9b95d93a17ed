"""What is installed is what is in the repository: every package, and every file that belongs to one."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("client", "container", "model", "serve")


def test_all_packages_are_installed_checked_and_in_the_image() -> None:
    included = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert included == [f"{package}*" for package in PACKAGES]
    assert set(PACKAGES) <= set(PROJECT["tool"]["mypy"]["files"])
    assert {f"!{package}" for package in PACKAGES} <= set((ROOT / ".dockerignore").read_text().splitlines())


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no checkout")
def test_every_other_file_is_installed_with_its_package() -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    others = {ROOT / name for name in listed.stdout.splitlines() if Path(name).suffix != ".py"}
    packed = {
        file
        for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for file in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    assert others - packed == set()
