"""Clients that others' generators make of `/openapi.json` do a typed try-on, a typed job and a form."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.samples.samples import small_sample
from tests.npm import installed
from tests.server import Server

HERE = Path(__file__).parent
COMPILE = [
    *("--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"),
    *("--module", "esnext", "--moduleResolution", "bundler"),
]


@pytest.fixture
def document(server: Server, tmp_path: Path) -> Path:
    file = tmp_path / "openapi.json"
    file.write_bytes(server.client.get("/openapi.json").content)
    return file


def pictures() -> str:
    return json.dumps({name: base64.b64encode(file.read_bytes()).decode() for name, file in small_sample().items()})


def run(command: list[str | Path], folder: Path) -> str:
    # Generators call the formatters beside them.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def check(told: dict[str, Any]) -> None:
    assert (told["seed"], told["type"], told["job"]) == (7, "image/jpeg", ["result.png"])
    kind, size = told["made"]
    assert kind == "image/png"
    assert size > 100
    assert told["bytes"] > 100


def test_a_python_client(server: Server, document: Path, tmp_path: Path) -> None:
    client = tmp_path / "made_client"
    run(["openapi-python-client", "generate", "--path", document, "--output-path", client, "--meta", "none"], tmp_path)
    (tmp_path / "dress.py").write_text((HERE / "dress.py").read_text())
    check(json.loads(run([sys.executable, "dress.py", server.url, pictures()], tmp_path)))


def test_a_typescript_client(server: Server, document: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(installed(HERE))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "dress.ts").write_text((HERE / "dress.ts").read_text())
    run(["node_modules/.bin/openapi-typescript", document, "--output", "schema.ts"], tmp_path)
    run(["node_modules/.bin/tsc", *COMPILE, "dress.ts"], tmp_path)
    check(json.loads(run(["node", "dress.js", server.url, pictures()], tmp_path)))
