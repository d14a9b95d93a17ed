"""The Khronos glTF validator, for tests: an npm package."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.npm import installed

HERE = Path(__file__).parent


def complaints(file: Path) -> list[dict[str, Any]]:
    """Errors and warnings about a GLB, hints and notes too. Skips the test where there is no Node.js."""
    installed(HERE)
    command = ["node", str(HERE / "validate.js"), str(file)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout)
    messages: list[dict[str, Any]] = report["issues"]["messages"]
    return messages
