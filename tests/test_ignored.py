"""What git and the image leave out: weights, which lie in `weights/`, and with them nothing of the package `model`."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.server import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no checkout"
)


def ignored(*paths: str) -> list[str]:
    """Those of `paths` that git would not take up, whether they are there or not."""
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(paths), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def test_nothing_of_the_package_is_ignored() -> None:
    listed = subprocess.run(["git", "ls-files", "model"], cwd=ROOT, capture_output=True, text=True, check=True)
    there = listed.stdout.splitlines()
    assert "model/weights/pack.py" in there
    to_come = ["model/weights/new.py", "model/weights/new/new.py", "model/demo_pack/data/weights/new.safetensors"]
    assert ignored(*there, *to_come) == []


def test_weights_are_ignored() -> None:
    weights = ["weights/manifest.json", "weights/catvton/vae/config.json"]
    assert ignored(*weights) == weights


def test_the_image_gets_the_package_and_no_weights() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert "/weights/" in rules
    assert not {"weights", "weights/", "**/weights", "**/weights/"} & set(rules)
