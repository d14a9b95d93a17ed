"""The Khronos glTF validator, for tests: an npm package, installed here on first use."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def complaints(file: Path) -> list[dict[str, Any]]:
    """Errors and warnings about a GLB, hints and notes too. Skips the test where there is no Node.js."""
    reason = _install()
    if reason:
        pytest.skip(reason)
    command = ["node", str(HERE / "validate.js"), str(file)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    messages: list[dict[str, Any]] = report["issues"]["messages"]
    return messages


@cache
def _install() -> str:
    """Install the pinned validator unless it is there; why it cannot be, or nothing."""
    if not shutil.which("node"):
        return "the glTF validator needs Node.js"
    if (HERE / "node_modules/gltf-validator").is_dir():
        return ""
    if not shutil.which("npm"):
        return "the glTF validator is installed by npm, which is not here"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    return f"npm could not install the glTF validator: {done.stderr[-300:]}" if done.returncode else ""
