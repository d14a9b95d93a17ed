"""`local_invoke.py` stands in for `client/`, and says what to do where that cannot run."""

from __future__ import annotations

import subprocess
import sys

from tests.server import ROOT


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=180, cwd=ROOT.parent)


def test_it_is_the_client() -> None:
    shown = run(str(ROOT / "local_invoke.py"), "--help")
    assert shown.returncode == 0
    assert "tryon" in shown.stdout


def test_outside_the_environment_it_says_what_to_do() -> None:
    without_packages = run("-S", str(ROOT / "local_invoke.py"), "ping")
    assert without_packages.returncode == 2
    [line] = without_packages.stderr.splitlines()
    assert line.startswith("atelier: No module named 'httpx'. Run `make setup` once, then ")
