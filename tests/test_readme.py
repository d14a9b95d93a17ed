"""What the README promises is there: settings, codes, commands."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from container.settings import Settings
from model.synthetic.datasets.loose_photos import loose_photos
from model.synthetic.datasets.samples import small_sample
from tests.conftest import KEYS
from tests.server import ROOT, Server

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return re.split(r"^#+ ", README.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(re.findall(r"^\|([^|]+)\|", section("Settings"), re.M))))
    settings = {name.upper() for name in Settings.model_fields} - {"PORT"} | {"SAGEMAKER_BIND_TO_PORT"}
    assert named == settings


def test_the_table_of_codes_names_every_code_and_no_other() -> None:
    cells = re.findall(r"^\| \d{3}[^|]*\|([^|]+)\|", section("Errors"), re.M)
    named = {code for cell in cells for code in re.findall(r"`(\w+)`", cell)}
    used: set[str] = set()
    for package in ("serve", "container", "model"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text()
            used |= set(re.findall(r'\bcode="(\w+)"', source)) | set(re.findall(r'"code": "(\w+)"', source))
            used |= set(re.findall(r'^    status, title, code.* = \d{3}, "[^"]+", "(\w+)"', source, re.M))
            used |= set(re.findall(r'^    code = "(\w+)"', source, re.M))
    never_sent = {"unusable_input", "device_lost", "bad_weights"}  # replaced by each use, or the end of a worker
    of_the_command_line = {"no_photos", "no_stage", "bad_data_set", "bad_settings"}
    assert named == used - never_sent - of_the_command_line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the demo has left its pictures."""
    (tmp_path / "demo_out").mkdir()
    for file in small_sample().values():
        shutil.copy(file, tmp_path / "demo_out")
    for i, photo in enumerate(loose_photos(seed=3, count=2, width=144, height=192)):
        photo.convert("RGB").save(tmp_path / f"demo_out/photo_{i}.png")
    return tmp_path


def blocks(language: str) -> str:
    return "".join(re.findall(rf"```{language}\n(.+?)```", README, re.S))


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_with_curl_run_as_they_stand(server: Server, folder: Path) -> None:
    script = blocks("bash").replace("localhost:8080", f"127.0.0.1:{server.port}").replace("curl ", "curl -fsS ")
    said = run(["bash", "-eu", "-c", script], folder)
    assert (folder / "out.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "avatar.glb").read_bytes().startswith(b"glTF")
    assert said.count('"event": "answer"') == 2
    assert '"state":"done","progress":null,"answer":{' in said


class Platform(http.server.BaseHTTPRequestHandler):
    """As much of SageMaker's runtime as passes a request on."""

    container: str

    def do_POST(self) -> None:
        assert self.path == "/endpoints/atelier/invocations"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept")}
        answer = httpx.post(f"{self.container}/invocations", content=body, headers=headers, timeout=60)
        ok = answer.status_code == httpx.codes.OK
        problem = {"OriginalStatusCode": answer.status_code, "OriginalMessage": answer.text} if not ok else {}
        content = answer.content if ok else json.dumps(problem).encode()
        self.send_response(200 if ok else 424)
        if not ok:
            self.send_header("X-Amzn-ErrorType", "ModelError")
        self.send_header("Content-Type", answer.headers["content-type"] if ok else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Not on stderr."""


@pytest.fixture
def sagemaker(server: Server) -> Iterator[dict[str, str]]:
    """The environment in which boto3 finds `server` behind a platform."""
    handler = type("Handler", (Platform,), {"container": server.url})
    platform = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=platform.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{platform.server_port}"
    yield {**KEYS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": address}
    platform.shutdown()
    platform.server_close()


def test_the_program_with_boto3_runs_as_it_stands(sagemaker: dict[str, str], folder: Path) -> None:
    run([sys.executable, "-c", blocks("python")], folder, **sagemaker)
    assert (folder / "dressed.jpg").read_bytes().startswith(b"\xff\xd8")


def test_the_program_with_boto3_shows_what_the_container_said(sagemaker: dict[str, str], folder: Path) -> None:
    with pytest.raises(AssertionError, match="'steps'"):
        run([sys.executable, "-c", blocks("python").replace('"id": "order-17"', '"steps": 0')], folder, **sagemaker)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_program_in_javascript_runs_as_it_stands(server: Server, folder: Path) -> None:
    (folder / "dress.mjs").write_text(blocks("javascript").replace("localhost:8080", f"127.0.0.1:{server.port}"))
    run(["node", "dress.mjs"], folder)
    assert (folder / "dressed.png").read_bytes().startswith(b"\x89PNG")


def test_the_two_commands_come_first() -> None:
    assert README.index("make demo") < README.index("make test") < README.index("## ")
