"""npm packages that tests use, installed on first use as their lock file has them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


def installed(folder: Path) -> Path:
    """The `node_modules` of a folder with `package.json` and `package-lock.json`. Skips the test without Node.js."""
    reason = _install(folder)
    if reason:
        pytest.skip(reason)
    return folder / "node_modules"


@cache
def _install(folder: Path) -> str:
    """Install what is locked unless it is there; why it cannot be, or nothing."""
    if not shutil.which("node"):
        return f"{folder.name} needs Node.js"
    there, locked = folder / "node_modules/.package-lock.json", folder / "package-lock.json"
    if there.exists() and there.stat().st_mtime >= locked.stat().st_mtime:
        return ""
    if not shutil.which("npm"):
        return f"what {folder.name} needs is installed by npm, which is not here"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    return f"npm could not install what {folder.name} needs: {done.stderr[-300:]}" if done.returncode else ""
